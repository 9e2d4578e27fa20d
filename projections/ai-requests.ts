import { type AiEvent, type AiRequest, type Asked, aiEvents, type RequestKind } from '#events/ai.ts'
import { type Queryable, view } from './engine/view.ts'

/** What is asked of a model, and what became of it. */
export type AiRequestRow = {
  /** `note-42` or `summary-dQw4w9WgXcQ`. */
  request: string
  kind: string
  video_id: string
  note_id: number | null
  user_id: number | null
  status: string
  /** Of the last question; 0 when none was asked yet. */
  attempt: number
  /** Whether the note was empty long before its author wanted notes by AI. */
  backfill: boolean
  /** When it came to this status, in milliseconds since the epoch. */
  since: number
  /** What the worker's queue calls the last question that it got. */
  message_id: string | null
  /** Why it was withdrawn or given up. */
  cause: string | null
  /** Of the request of a client that it goes back to. */
  correlation_id: string | null
  /** Of the last event: what comes next was caused by it. */
  event_id: string
  created_at: string
  updated_at: string
  /** Of the stream. */
  version: number
}

export const aiRequestsView = view('ai-requests', {
  version: 1,
  from: aiEvents,
  key: 'request',
  columns: {
    request: 'text not null',
    kind: 'text not null',
    video_id: 'text not null',
    note_id: 'bigint',
    user_id: 'bigint',
    status: 'text not null',
    attempt: 'int not null',
    backfill: 'boolean not null',
    since: 'bigint not null',
    message_id: 'text',
    cause: 'text',
    correlation_id: 'text',
    event_id: 'text not null',
    created_at: 'timestamptz not null',
    updated_at: 'timestamptz not null',
    version: 'int not null',
  },
  indexes: [
    `(kind, since) where status = 'dispatched'`,
    `(video_id) where status = 'awaited'`,
    '(user_id) where backfill',
    `(status, since) where status <> 'answered' and status <> 'withdrawn'`,
  ],
  id: (event) => event.data.request,
  evolve: (row: AiRequestRow | undefined, event: AiEvent) => {
    const updated_at = new Date(event.time).toISOString()
    const now = { since: event.time, event_id: event.id, updated_at, version: event.version }
    switch (event.type) {
      case 'AiNoteAwaited':
        return { ...begun(row, event, updated_at), ...now, status: 'awaited' }
      case 'AiNoteRequested':
      case 'SummaryRequested': {
        const backfill = (row?.backfill ?? false) || 'backfill' in event.data
        return { ...begun(row, event, updated_at), ...now, status: 'requested', attempt: event.data.attempt, backfill }
      }
      case 'JobDispatched':
        return row && { ...row, ...now, status: 'dispatched', message_id: event.data.messageId }
      case 'JobAnswered':
        return row && { ...row, ...now, status: 'answered' }
      case 'JobWithdrawn':
        return row && { ...row, ...now, status: 'withdrawn', cause: event.data.cause }
      case 'JobGivenUp':
        return row && { ...row, ...now, status: 'given-up', cause: event.data.cause }
    }
  },
})

function begun(row: AiRequestRow | undefined, { data, correlationId }: AiEvent, created_at: string) {
  if (row) return { ...row, cause: null }
  const { request, videoId: video_id } = data
  const of =
    'noteId' in data
      ? { kind: 'note', note_id: data.noteId, user_id: data.userId }
      : { kind: 'summary', note_id: null, user_id: null }
  const nothingYet = { attempt: 0, backfill: false, message_id: null, cause: null }
  return { request, video_id, ...of, ...nothingYet, correlation_id: correlationId, created_at }
}

export type RequestStatus = AiRequest['status']

const READ = `request, kind, video_id, note_id, user_id, status, attempt, backfill, since, message_id, cause, correlation_id, event_id,
  created_at, updated_at, version`

/** What commands take, of a row. */
export const askedOf = ({
  request,
  video_id,
  note_id,
  user_id,
}: Pick<AiRequestRow, 'request' | 'video_id' | 'note_id' | 'user_id'>): Asked => ({
  request,
  videoId: video_id,
  noteId: note_id ?? undefined,
  userId: user_id ?? undefined,
})

/** Requests whose question a worker's queue has had since before a moment, longest first. */
export const unanswered = (db: Queryable, kind: RequestKind, before: number, limit: number): Promise<AiRequestRow[]> =>
  db.query<AiRequestRow>(
    'ai-requests.unanswered',
    `select ${READ} from views.ai_requests where kind = $1 and status = 'dispatched' and since <= $2 order by since limit $3`,
    [kind, before, limit],
  )

/** Requests in some of the statuses, oldest first. */
export const requestsIn = (db: Queryable, statuses: readonly RequestStatus[], limit: number): Promise<AiRequestRow[]> =>
  db.query<AiRequestRow>(
    'ai-requests.in',
    `select ${READ} from views.ai_requests where status = any ($1) order by since, request limit $2`,
    [statuses, limit],
  )

/** Requests about a video or notes on it, those that moved last first. For people: it looks at all there are. */
export const requestsOf = (db: Queryable, videoId: string, limit: number): Promise<Pick<AiRequestRow, 'request'>[]> =>
  db.query<AiRequestRow>(
    'ai-requests.of',
    'select request from views.ai_requests where video_id = $1 order by since desc, request limit $2',
    [videoId, limit],
  )

export async function requestBy(db: Queryable, request: string): Promise<AiRequestRow | undefined> {
  const [row] = await db.query<AiRequestRow>('ai-requests.by', `select ${READ} from views.ai_requests where request = $1`, [
    request,
  ])
  return row
}

/** Of each kind and status that something may still come of: how many requests there are, and since when the first is there. */
export const openRequests = (
  db: Queryable,
  kind: RequestKind,
): Promise<{ status: RequestStatus; requests: number; since: number }[]> =>
  db.query(
    'ai-requests.open',
    `select status, count(*) as requests, min(since) as since from views.ai_requests
      where kind = $1 and status <> 'answered' and status <> 'withdrawn' group by status`,
    [kind],
  )

/**
 * The notes on a video that a model may have to write: empty ones of authors who want that, and those that were awaited, also when
 * the note itself is not to be seen because something of its stream is parked. Oldest first. With the request of a client that each
 * goes back to: the one that had it awaited, or else, if the log still has it, the one that took it.
 */
export const notesThatWait = (
  db: Queryable,
  videoId: string,
): Promise<{ note_id: number; user_id: number; correlation_id: string | null }[]> =>
  db.query(
    'ai-requests.notesThatWait',
    `select w.note_id, w.user_id, coalesce(max(w.asked_by), max(taken.correlation_id)) as correlation_id
       from (select note_id, user_id, created_at, null as asked_by from views.notes n
              where video_id = $1 and (text is null or text = '')
                and exists (select from views.users u where u.user_id = n.user_id and u.ai_notes)
              union all
             select note_id, user_id, created_at, correlation_id from views.ai_requests where video_id = $1 and status = 'awaited') w
       left join lateral
         (select e.correlation_id from log.events e where e.stream = 'note-' || w.note_id and e.version = 1) taken on true
      group by w.note_id, w.user_id order by min(w.created_at), w.note_id`,
    [videoId],
  )

/** The empty notes of a user on videos without a transcript, or on those that have one. Oldest first. */
export const emptyNotesOf = (
  db: Queryable,
  userId: number,
  { withTranscript, limit }: { withTranscript: boolean; limit: number },
): Promise<{ note_id: number; video_id: string }[]> =>
  db.query(
    'ai-requests.emptyNotesOf',
    `select n.note_id, n.video_id from views.notes n join views.videos v on v.video_id = n.video_id
      where n.user_id = $1 and (n.text is null or n.text = '') and v.transcript_available = $2
        and not exists (select from views.ai_requests r where r.request = 'note-' || n.note_id)
      order by n.created_at, n.note_id limit $3`,
    [userId, withTranscript, limit],
  )

/** How many notes of a user were asked for as backfill so far. */
export async function backfilledOf(db: Queryable, userId: number): Promise<number> {
  const [row] = await db.query<{ notes: number }>(
    'ai-requests.backfilledOf',
    'select count(*) as notes from views.ai_requests where user_id = $1 and backfill',
    [userId],
  )
  return row!.notes
}
