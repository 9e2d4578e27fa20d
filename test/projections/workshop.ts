import { randomUUID } from 'node:crypto'
import type { NewEvent, Recorded } from '#events/kit/envelope.ts'
import { topics } from '#events/topics.ts'
import { partitionOf } from '#platform/log/partitioner.ts'
import type { Reader } from '#platform/log/port.ts'
import { postgresReader } from '#platform/log/postgres/reader.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import type { View } from '#projections/engine/view.ts'
import { freshDatabase } from '#test/kit/postgres.ts'
import { BEGINNING, recordedAs } from '#test/kit/world.ts'

/** A database of its own with a log in it, to project from. */
export interface Workshop {
  url: string
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
  const reader = postgresReader(db, listener)
  await listener.ready()
  const versions = new Map<string, number>()
  const partitions = new Map(topics.map((topic) => [topic.name, topic.partitions]))
  let pos = 0

  return {
    url: database.url,
    db,
    listener,
    reader,
    async record(...events) {
      const recorded = events.map((event) => {
        const version = (versions.get(event.stream) ?? 0) + 1
        versions.set(event.stream, version)
        const partition = partitionOf(event.key, partitions.get(event.topic)!)
        return { ...recordedAs(event, { version, pos: ++pos, partition, time: BEGINNING + pos * 1000 }), id: randomUUID() }
      })
      await db.tx(async (tx) => {
        await tx.query(
          `insert into log.events select e.pos, e.topic, e.partition, e.key, e.stream, e.version, e.id, e.type, e.schema, e.time,
                  null, null, null, null, e.data::json
             from json_to_recordset($1) e(pos bigint, topic text, partition int, key text, stream text, version int, id uuid, type text,
                  schema int, time bigint, data text)`,
          [JSON.stringify(recorded)],
        )
        await tx.query(`select pg_notify('log', 'vidwiz.users vidwiz.videos vidwiz.notes')`)
      })
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
      await database.drop()
    },
  }
}
