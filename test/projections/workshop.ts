import { randomUUID } from 'node:crypto'
import type { NewEvent, Recorded } from '#events/kit/envelope.ts'
import { topics } from '#events/topics.ts'
import { partitionOf } from '#platform/log/partitioner.ts'
import type { Reader } from '#platform/log/port.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import type { View } from '#projections/engine/view.ts'
import { testLog, testReader } from '#test/kit/log.ts'
import { freshDatabase } from '#test/kit/postgres.ts'
import { BEGINNING, recordedAs } from '#test/kit/world.ts'

/** A database of its own with a log in it, to project from. */
export interface Workshop {
  url: string
  /** For commands and services as processes of their own. */
  env: NodeJS.ProcessEnv
  db: Db
  listener: Listener
  reader: Reader
  /** Puts events into the log as they are, a second apart; nobody checks whether they make sense. */
  record(...events: NewEvent[]): Promise<Recorded[]>
  /** All rows of a view's live table, by key. */
  rows(view: View): Promise<Record<string, unknown>[]>
  close(): Promise<void>
}

export async function workshop(): Promise<Workshop> {
  const database = await freshDatabase()
  const db = openDb(database.url, { max: 8 })
  const listener = openListener(database.url)
  const log = await testLog(database.url)
  const reader = await testReader(database.url, db, listener)
  await listener.ready()
  const versions = new Map<string, number>()
  const partitions = new Map(topics.map((topic) => [topic.name, topic.partitions]))

  return {
    url: database.url,
    env: { DB_URL: database.url, ...log.env },
    db,
    listener,
    reader,
    async record(...events) {
      const recorded = await db.tx(async (tx) => {
        // As who appends: others may do so too.
        await tx.query('select pg_advisory_xact_lock(7001)')
        let { pos } = (await tx.query('select coalesce(max(pos), 0) as pos from log.events')).rows[0]
        const recorded = events.map((event) => {
          const version = (versions.get(event.stream) ?? 0) + 1
          versions.set(event.stream, version)
          const partition = partitionOf(event.key, partitions.get(event.topic)!)
          return { ...recordedAs(event, { version, pos: ++pos, partition, time: BEGINNING + pos * 1000 }), id: randomUUID() }
        })
        await tx.query(
          `insert into log.events select e.pos, e.topic, e.partition, e.key, e.stream, e.version, e.id, e.type, e.schema, e.time,
                  null, null, null, null, e.data::json
             from json_to_recordset($1) e(pos bigint, topic text, partition int, key text, stream text, version int, id uuid, type text,
                  schema int, time bigint, data text)`,
          [JSON.stringify(recorded)],
        )
        await tx.query(`select pg_notify('log', $1)`, [[...partitions.keys()].join(' ')])
        return recorded
      })
      await log.settled(db)
      return recorded
    },
    rows: (view) =>
      // Not prepared: a rebuild may change the columns.
      db.connection(
        async (client) => (await client.query(`select * from views.${view.name.replaceAll('-', '_')} order by ${view.key}`)).rows,
      ),
    async close() {
      await reader.close()
      await listener.close()
      await db.close()
      await log.close()
      await database.drop()
    },
  }
}
