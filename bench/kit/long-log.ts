import type { Db } from '../../platform/pg/pool.ts'

const START_MS = 1_764_547_200_000
const STEP_MS = 20
/** Distance, in groups of ten events, between a request's immediate events and its later effects. */
const LATER = 5_000

// Of every ten events three create notes, two edit them, and one adds the video; a task, a question to a model and its dispatch
// come later than their request. All lookup keys are computed from the number of the event or group.
const SEED = `
  insert into log.events (pos, topic, partition, key, stream, version, id, type, schema, time, actor, correlation_id, causation_id, traceparent, data)
  select pos, 'vidwiz.' || k.topic, abs(hashtext(video)) % 12, video,
         case k.topic when 'notes' then 'note-' || note when 'videos' then 'video-' || video when 'ai' then 'ai-note-' || note
                      else 'task-transcript-' || video end,
         k.version, pg_temp.id_of(pos), k.type, 1, ${START_MS} + pos * ${STEP_MS}, 'user-' || 1 + g % 1000, pg_temp.request_of(of, k.nth),
         case when k.at > 5 and g >= ${LATER} then pg_temp.id_of(of * 10 + 1)::text end,
         '00-' || md5('trace ' || of || ' ' || k.nth) || '-' || left(md5('span ' || pos), 16) || '-01',
         case k.type
           when 'NoteCreated' then json_build_object('noteId', note, 'videoId', video, 'userId', 1 + g % 1000, 'timestamp', '12:34',
             'text', 'Note ' || note || ': what was said here is worth remembering, and a little more of it as people write.')
           when 'NoteEdited' then json_build_object('noteId', note, 'videoId', video, 'userId', 1 + g % 1000,
             'text', 'Note ' || note || ', said better on second thought, as people do when they come back to a video.')
           when 'VideoAdded' then json_build_object('videoId', video, 'id', g + 1, 'title', 'A lecture on whatever number ' || g || ' may be')
           when 'TaskScheduled' then json_build_object('taskId', g + 1, 'videoId', video, 'kind', 'transcript', 'dueAt', 1764547200000)
           when 'TaskClaimed' then json_build_object('taskId', g + 1, 'videoId', video, 'kind', 'transcript', 'attempt', 1, 'leaseEndsAt', 1764547300000)
           when 'AiNoteRequested' then json_build_object('request', 'note-' || note, 'videoId', video, 'noteId', note, 'userId', 1 + g % 1000,
             'timestamp', '12:34', 'attempt', 1)
           else json_build_object('request', 'note-' || note, 'videoId', video, 'attempt', 1, 'messageId', pg_temp.message_of(g)) end
    from generate_series($1::bigint, $2::bigint) g,
         (values (1, 'notes', 'NoteCreated', 1, 1), (2, 'notes', 'NoteCreated', 1, 2), (3, 'notes', 'NoteCreated', 1, 3),
                 (4, 'notes', 'NoteEdited', 2, 1), (5, 'notes', 'NoteEdited', 2, 2), (6, 'videos', 'VideoAdded', 1, 1),
                 (7, 'tasks', 'TaskScheduled', 1, 1), (8, 'tasks', 'TaskClaimed', 2, 1), (9, 'ai', 'AiNoteRequested', 1, 1),
                 (10, 'ai', 'JobDispatched', 2, 1)) k(at, topic, type, version, nth),
         lateral (select g * 10 + k.at as pos, g * 3 + k.nth as note, left(md5('video ' || g), 11) as video,
                         case when k.at > 5 then greatest(0, g - ${LATER}) else g end as of) whose`

const FUNCTIONS = [
  `create function pg_temp.id_of(pos bigint) returns uuid language sql immutable as $$
    select (lpad(to_hex(${START_MS} + pos * ${STEP_MS}), 12, '0') || '7' || substr(md5('event ' || pos), 1, 3) || '8' || substr(md5('event ' || pos), 4, 15))::uuid $$`,
  `create function pg_temp.request_of(g bigint, nth int) returns text language sql immutable as $$
    select md5('request ' || g || ' ' || nth)::uuid::text $$`,
  `create function pg_temp.message_of(g bigint) returns text language sql immutable as $$ select md5('message ' || g)::uuid::text $$`,
]

/** Keys to look up in a long log, for one group. */
export interface Sought {
  stream: string
  event: string
  request: string
  trace: string
  message: string
}

const SOUGHT = `
  select 'note-' || g * 3 + 1 as stream, pg_temp.id_of(g * 10 + 1)::text as event, pg_temp.request_of(g, 1) as request,
         md5('trace ' || g || ' 1') as trace, pg_temp.message_of(g) as message from unnest($1::bigint[]) g`

/**
 * Fills an empty log with `events` events of realistic size (a bit more than half a gigabyte per million).
 * @param db with a single connection: the generating functions are temporary, so they exist in one session only
 * @returns keys of events from all over the log
 */
export async function seedLongLog(db: Db, events: number, count: number): Promise<Sought[]> {
  const groups = Math.ceil(events / 10)
  for (const [i, text] of FUNCTIONS.entries()) await db.query(`bench.function ${i}`, text)
  // Rebuilt indexes are only a little denser than grown ones; growing them row by row would take an hour.
  const indexes = await db.query<{ name: string; definition: string; isUnique: boolean }>(
    'bench.indexes',
    `select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition, i.indisunique as "isUnique"
       from pg_index i where i.indrelid = 'log.events'::regclass and not i.indisunique`,
  )
  for (const { name } of indexes) await db.query(`bench.drop ${name}`, `drop index ${name}`)
  await db.query('bench.unlogged', 'alter table log.events set unlogged')
  await db.query(
    'bench.unconstrained',
    'alter table log.events drop constraint events_pkey, drop constraint events_stream_version_key',
  )
  const portion = 20_000
  for (let from = 0; from < groups; from += portion)
    await db.query('bench.fill', SEED, [from, Math.min(from + portion, groups) - 1])
  await db.query('bench.constrained', 'alter table log.events add primary key (pos), add unique (stream, version)')
  for (const { name, definition } of indexes) await db.query(`bench.index ${name}`, definition)
  await db.query('bench.analyze', 'vacuum analyze log.events')
  const chosen = Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * Math.max(1, groups - 2 * LATER)) / count))
  return db.query<Sought>('bench.sought', SOUGHT, [chosen])
}
