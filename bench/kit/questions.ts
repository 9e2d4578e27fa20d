import { AiNoteRequested } from '../../events/ai.ts'
import { ai, notes } from '../../events/topics.ts'
import { partitionOf } from '../../platform/log/partitioner.ts'
import type { Db } from '../../platform/pg/pool.ts'

const VIDEOS = 5_000

/** `$1` last position, `$2` number of notes, `$3` last note, `$4` video ids, `$5` their partitions, `$6` number of videos. */
const NOTES = `
  insert into log.events (pos, topic, partition, key, stream, version, id, type, schema, time, actor, correlation_id, data)
  select $1 + i, '${notes.name}', ($5::int[])[v], ($4::text[])[v], 'note-' || n, 1, gen_random_uuid(), 'NoteCreated', 1,
         1767225600000 + n, 'user-1', gen_random_uuid(),
         json_build_object('noteId', n, 'videoId', ($4::text[])[v], 'userId', 1, 'timestamp', '12:' || 10 + n % 50, 'text', null)
    from generate_series(1, $2::bigint) i, lateral (select $3 + i as n) note, lateral (select 1 + (n * 7919) % $6::int as v) whose`

/** Same parameters: the question about each of these notes. */
const QUESTIONS = `
  insert into log.events (pos, topic, partition, key, stream, version, id, type, schema, time, actor, correlation_id, data)
  select $1 + i, '${ai.name}', ($5::int[])[v], ($4::text[])[v], 'ai-note-' || n, 1, gen_random_uuid(), '${AiNoteRequested.type}', 1,
         1767225600000 + n, 'ai-notes', gen_random_uuid(),
         json_build_object('request', 'note-' || n, 'videoId', ($4::text[])[v], 'noteId', n, 'userId', 1, 'timestamp', '12:' || 10 + n % 50, 'attempt', 1)
    from generate_series(1, $2::bigint) i, lateral (select $3 + i as n) note, lateral (select 1 + (n * 7919) % $6::int as v) whose`

/** Appends `count` empty notes, then a question to a model about each. Sends no notification. */
export async function addQuestions(db: Db, count: number): Promise<void> {
  const videos = Array.from({ length: VIDEOS }, (_, i) => `video${String(i).padStart(6, '0')}`)
  const partitions = videos.map((video) => partitionOf(video, notes.partitions))
  const [last] = await db.query<{ pos: number; note: number }>(
    'bench.last',
    `select coalesce(max(pos), 0) as pos, (select count(*) from log.events where type = 'NoteCreated') as note from log.events`,
  )
  const { pos, note } = last!
  const rest = [note, videos, partitions, VIDEOS]
  await db.query('bench.notes', NOTES, [pos, count, ...rest])
  await db.query('bench.questions', QUESTIONS, [pos + count, count, ...rest])
  await db.query('bench.vacuum', 'vacuum analyze log.events')
}
