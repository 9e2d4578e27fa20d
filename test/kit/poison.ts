import type { NewEvent } from '#events/kit/envelope.ts'
import { topics } from '#events/topics.ts'
import { partitionOf } from '#platform/log/partitioner.ts'
import type { Reader } from '#platform/log/port.ts'
import type { Db, Queryable } from '#platform/pg/pool.ts'
import { compare, isClean } from '#projections/engine/compare.ts'
import { notesView } from '#projections/notes.ts'
import { noteCreated, noteEdited } from './histories.ts'
import { onKafka } from './log.ts'

/** Text in poisoned notes that must never be shown. */
export const SECRET = 'what only its author may read'

const partitions = new Map(topics.map((topic) => [topic.name, topic.partitions]))

/** Appends events as they are, each as the next of its stream, without any check. */
export async function record(db: Queryable, ...events: NewEvent[]): Promise<void> {
  for (const { topic, key, stream, type, schema, data } of events)
    await db.query(
      't.record',
      `with turn as materialized (select pg_advisory_xact_lock(7001)::text)
       insert into log.events select (select coalesce(max(pos), 0) + 1 from log.events), $1, $2, $3, $4,
              (select coalesce(max(version), 0) + 1 from log.events where stream = $4), gen_random_uuid(), $5, $6,
              1700000000000, null, null, null, null, $7 from turn`,
      [topic, partitionOf(key, partitions.get(topic)!), key, stream, type, schema, JSON.stringify(data)],
    )
  await db.query('t.notify', `select pg_notify('log', $1)`, [[...new Set(events.map(({ topic }) => topic))].join(' ')])
}

/** Notes with three events each: the second cannot be decoded, the third waits behind it. */
export async function poison(db: Queryable, ...noteIds: number[]): Promise<void> {
  for (const noteId of noteIds) {
    const edited = noteEdited({ noteId, text: SECRET })
    await record(
      db,
      noteCreated({ noteId, text: 'a' }),
      { ...edited, data: { ...(edited.data as object), generatedByAi: 'maybe' } },
      noteEdited({ noteId, text: `${SECRET} after` }),
    )
  }
}

/** Whether the view of notes equals its replay. Always true on Kafka: there `mend` cannot change what is already in a topic. */
export const equalsReplay = async (tools: { db: Db; reader: Reader }): Promise<boolean> =>
  onKafka || isClean(await compare(notesView, tools))

/** Repairs poisoned events, in the log and in the parked copies, as if the code could now decode them. */
export async function mend(db: Queryable, ...noteIds: number[]): Promise<void> {
  const streams = noteIds.map((noteId) => `note-${noteId}`)
  await db.query(
    't.mendLetters',
    `update log.dead_letters set event = replace(event::text, '\\"maybe\\"', 'true')::json where stream = any ($1)`,
    [streams],
  )
  await db.query(
    't.mendLog',
    `update log.events set data = replace(data::text, '"maybe"', 'true')::json where stream = any ($1)`,
    [streams],
  )
}
