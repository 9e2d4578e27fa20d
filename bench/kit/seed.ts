import { notes } from '../../events/topics.ts'
import { partitionOf } from '../../platform/log/partitioner.ts'
import type { Db } from '../../platform/pg/pool.ts'

const VIDEOS = 5_000
const USERS = 1_000

/**
 * Of every ten events six create notes, three edit some of them and one deletes one. A video's notes are spread over the whole log.
 * `$1` first and `$2` last group of ten, `$3` video ids, `$4` their partitions, `$5` their number, `$6` number of users.
 */
const SEED = `
  insert into log.events (pos, topic, partition, key, stream, version, id, type, schema, time, actor, correlation_id, data)
  select g * 10 + e.at, '${notes.name}', ($4::int[])[v], ($3::text[])[v], 'note-' || n, e.version, gen_random_uuid(), e.type, 1,
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

/** Fills an empty log with events of the notes topic like the API's; `events` is rounded up to a multiple of ten. */
export async function seedNotes(db: Db, events: number): Promise<void> {
  const videos = Array.from({ length: VIDEOS }, (_, i) => `video${String(i).padStart(6, '0')}`)
  const partitions = videos.map((video) => partitionOf(video, notes.partitions))
  const groups = Math.ceil(events / 10)
  const portion = 10_000
  for (let from = 0; from < groups; from += portion)
    await db.query('bench.seed', SEED, [from, Math.min(from + portion, groups) - 1, videos, partitions, VIDEOS, USERS])
  await db.query('bench.sequence', `select setval('log.note_ids', $1)`, [groups * 6])
  await db.query('bench.vacuum', 'vacuum analyze log.events')
}
