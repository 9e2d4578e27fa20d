import { catalog, deciders } from '../events/catalog.ts'
import { createNote } from '../events/note.ts'
import { topics } from '../events/topics.ts'
import { executor } from '../platform/log/commands/executor.ts'
import { appender } from '../platform/log/postgres/appender.ts'
import { EVENT_COLUMNS } from '../platform/log/postgres/rows.ts'
import { openDb } from '../platform/pg/pool.ts'
import { freshDatabase } from '../test/kit/postgres.ts'
import { openEmmett } from './kit/emmett.ts'
import { atLeast, type Benchmark } from './kit/figure.ts'
import { callers, inTurn, medians } from './kit/measure.ts'
import { rawAppend } from './kit/raw-append.ts'

const VIDEOS = Array.from({ length: 500 }, (_, i) => `video${String(i).padStart(6, '0')}`)
const note = (n: number) => ({
  userId: 1 + (n % 100),
  videoId: VIDEOS[n % VIDEOS.length]!,
  timestamp: '12:34',
  text: `Note ${n}: what was said here is worth remembering.`,
})

/**
 * From a command to its committed event: zod, decision, version check, state, append. Compared with a bare transaction that inserts
 * the same event rows, and with the same decision in emmett.
 */
export const append: Benchmark = {
  name: 'append',
  async run({ quick }) {
    const [rounds, ms] = quick ? [3, 500] : [5, 3_000]
    const database = await freshDatabase()
    const peerDatabase = await freshDatabase()
    const db = openDb(database.url, { name: 'bench append' })
    const { execute } = executor({ appender: appender(db), catalog, deciders, topics })
    const insert = await rawAppend(db)
    const emmetts = {
      emmett: await openEmmett(peerDatabase.url),
      'emmett, 16 connections': await openEmmett(peerDatabase.url, 16),
    }

    const create = (n: number) =>
      execute(createNote(note(n)), { actor: `user-${1 + (n % 100)}`, correlationId: crypto.randomUUID() })
    const executing = (count: number) => async () => (await callers(count, ms, create)).perSecond

    let head = 0
    /** Inserts exactly the rows that were executed since the last call. */
    const inserting = (count: number) => async () => {
      const rows = await db.query<{ pos: number }>(
        'bench.rows',
        `select ${EVENT_COLUMNS} from log.events where pos > $1 order by pos`,
        [head],
      )
      head = rows.at(-1)!.pos
      const from = performance.now()
      let next = 0
      const caller = async () => {
        while (next < rows.length) await insert(rows[next++]!)
      }
      await Promise.all(Array.from({ length: count }, caller))
      return (rows.length * 1000) / (performance.now() - from)
    }

    /** Each command on its own stream. */
    const handling = (peer: keyof typeof emmetts) => async () => {
      const decide = (n: number) => {
        const decision = createNote(note(n)).decide(
          { video: { id: 1, title: null } },
          { now: Date.now(), ids: { note: n + 1, video: 1 } },
        )
        return decision.rejection ? [] : decision.events
      }
      return (await callers(64, ms, (n) => emmetts[peer].handle(`note-${crypto.randomUUID()}`, () => decide(n)))).perSecond
    }

    try {
      await Promise.all(VIDEOS.map((_, n) => create(n)))
      const at64 = medians(
        await inTurn(rounds, {
          execute: executing(64),
          raw: inserting(64),
          emmett: handling('emmett'),
          emmett16: handling('emmett, 16 connections'),
        }),
      )
      const others = medians(await inTurn(Math.ceil(rounds / 2), { 1: executing(1), 16: executing(16), 256: executing(256) }))
      const unit = 'commands/s'
      const peer =
        at64.emmett > at64.emmett16
          ? { what: 'emmett', value: at64.emmett }
          : { what: 'emmett, pool of 16', value: at64.emmett16 }
      return [
        {
          name: 'execute, 64 callers',
          value: at64.execute,
          unit,
          beside: { what: 'raw coalesced append', value: at64.raw },
          target: atLeast(0.5),
        },
        { name: 'execute, 64 callers, peer', value: at64.execute, unit, beside: peer, target: atLeast(8) },
        { name: 'execute, 1 caller', value: others[1], unit },
        { name: 'execute, 16 callers', value: others[16], unit },
        { name: 'execute, 256 callers', value: others[256], unit },
      ]
    } finally {
      for (const one of Object.values(emmetts)) await one.close()
      await db.close()
      await peerDatabase.drop()
      await database.drop()
    }
  },
}
