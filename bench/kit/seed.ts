import { notes } from '../../events/topics.ts'
import { EXTEND_MILESTONES } from '../../platform/log/consumers/milestones.ts'
import { partitionOf } from '../../platform/log/partitioner.ts'
import type { Db } from '../../platform/pg/pool.ts'

const VIDEOS = 5_000
const USERS = 1_000

/**
 * Of every ten events six create notes, three edit some of them and one deletes one. A video's notes are spread over the whole log.
 * `$1` first and `$2` last group of ten, `$3` video ids, `$4` their partitions, `$5` their number, `$6` number of users, `$7` the
 * position of an event less its number among these.
 */
const SEED = `
  insert into log.events (pos, topic, partition, key, stream, version, id, type, schema, time, actor, correlation_id, data)
  select $7::bigint + g * 10 + e.at, '${notes.name}', ($4::int[])[v], ($3::text[])[v], 'note-' || n, e.version, gen_random_uuid(), e.type, 1,
         1767225600000 + (g * 10 + e.at) * 1000, 'user-' || u, gen_random_uuid(),
         case e.type
           when 'NoteCreated' then json_build_object('noteId', n, 'videoId', ($3::text[])[v], 'userId', u, 'timestamp', '12:' || 10 + n % 50,
                                                     'text', 'Note ' || n || ': what was said here is worth remembering.')
           when 'NoteEdited'  then json_build_object('noteId', n, 'videoId', ($3::text[])[v], 'userId', u, 'text', 'Note ' || n || ', said better on second thought.')
           else                    json_build_object('noteId', n, 'videoId', ($3::text[])[v], 'userId', u)
         end
    from generate_series($1::bigint, $2::bigint) g,
         (values (1, 1, 1, 'NoteCreated'), (2, 2, 1, 'NoteCreated'), (3, 3, 1, 'NoteCreated'), (4, 4, 1, 'NoteCreated'),
                 (5, 5, 1, 'NoteCreated'), (6, 6, 1, 'NoteCreated'), (7, 1, 2, 'NoteEdited'), (8, 2, 2, 'NoteEdited'),
                 (9, 1, 3, 'NoteEdited'), (10, 6, 2, 'NoteDeleted')) e(at, nth, version, type),
         lateral (select g * 6 + e.nth as n) note,
         lateral (select 1 + (n * 7919) % $5::int as v, 1 + (n * 104729) % $6::int as u) whose`

/** `$1` first and `$2` last event, `$7` number of streams: each stream has a created note, and then edits of it. */
const SEED_STREAMS = `
  insert into log.events (pos, topic, partition, key, stream, version, id, type, schema, time, actor, correlation_id, data)
  select e + 1, '${notes.name}', ($4::int[])[v], ($3::text[])[v], 'note-' || n, 1 + e / $7::int, gen_random_uuid(),
         case when e < $7::int then 'NoteCreated' else 'NoteEdited' end, 1,
         1767225600000 + e * 1000, 'user-' || u, gen_random_uuid(),
         case when e < $7::int
           then json_build_object('noteId', n, 'videoId', ($3::text[])[v], 'userId', u, 'timestamp', '12:' || 10 + n % 50,
                                  'text', 'Note ' || n || ': what was said here is worth remembering.')
           else json_build_object('noteId', n, 'videoId', ($3::text[])[v], 'userId', u, 'text', 'Note ' || n || ', said better on second thought.')
         end
    from generate_series($1::bigint, $2::bigint) e,
         lateral (select 1 + e % $7::int as n) note,
         lateral (select 1 + (n * 7919) % $5::int as v, 1 + (n * 104729) % $6::int as u) whose`

const videos = Array.from({ length: VIDEOS }, (_, i) => `video${String(i).padStart(6, '0')}`)
const partitions = videos.map((video) => partitionOf(video, notes.partitions))
const WORLD = [videos, partitions, VIDEOS, USERS]

/** Events per stream, on average, of a log that `seedNotes` filled. */
export const EVENTS_PER_STREAM = 10 / 6

/**
 * Fills a log with events of the notes topic like the API's, until it has `events` or up to nine more. Events that are there stay; their
 * notes must have ids of the sequence.
 */
export async function seedNotes(db: Db, events: number): Promise<void> {
  const [there] = await db.query<{ head: number; notes: number }>(
    'bench.there',
    `select (select coalesce(max(pos), 0) from log.events) as head,
            (select case when is_called then last_value else 0 end from log.note_ids) as notes`,
  )
  const { head, notes } = there!
  const first = Math.ceil(notes / 6)
  const end = first + Math.max(0, Math.ceil((events - head) / 10))
  const portion = 10_000
  for (let from = first; from < end; from += portion)
    await db.query('bench.seed', SEED, [from, Math.min(from + portion, end) - 1, ...WORLD, head - first * 10])
  await finish(db, end * 6)
}

/** Fills an empty log with `events` events of the notes topic in `streams` streams of equal length. */
export async function seedStreams(db: Db, events: number, streams: number): Promise<void> {
  const portion = 100_000
  for (let from = 0; from < events; from += portion)
    await db.query('bench.seedStreams', SEED_STREAMS, [from, Math.min(from + portion, events) - 1, ...WORLD, streams])
  await finish(db, streams)
}

async function finish(db: Db, notes: number) {
  await db.query('bench.sequence', `select setval('log.note_ids', $1)`, [notes])
  await db.query('bench.vacuum', 'vacuum analyze log.events')
}

/** Numbers the events for lag, as living consumers do. */
export async function setMilestones(db: Db): Promise<void> {
  const text = `with ${EXTEND_MILESTONES} select coalesce((select head > upto from span), false) as more`
  while ((await db.query<{ more: boolean }>('bench.milestones', text))[0]!.more);
}
