import { giveWay } from '#platform/background.ts'
import { postgresReader } from '#platform/log/postgres/reader.ts'
import { openListener } from '#platform/pg/listen.ts'
import { openDb } from '#platform/pg/pool.ts'
import { topic } from '#test/conformance/log/groups.ts'
import { sessionPriority } from './session-priority.ts'

// A background process that reads a history, and prints the priority of the process of Postgres that sends it: meanwhile, and afterwards.
const url = process.argv[2]!
await giveWay()
const db = openDb(url, { max: 2 })
const listener = openListener(url)
const reader = postgresReader(db, listener)
const senders = new Map<number, number | undefined>()
await reader.history({ topic: topic.name, upTo: await reader.heads(topic), after: new Map(), uses: [] }, async () => {
  const sending = await db.query<{ pid: number }>(
    't.senders',
    `select pid from pg_stat_activity where datname = current_database() and query ilike 'copy%'`,
  )
  for (const { pid } of sending) senders.set(pid, sessionPriority(pid))
})
const during = [...senders.values()]
const afterwards = [...senders.keys()].map(sessionPriority)
console.log(JSON.stringify({ during, afterwards }))
await listener.close()
await db.close()
