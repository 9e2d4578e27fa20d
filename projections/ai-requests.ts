import { type AiEvent, type AiRequest, type Asked, aiEvents, type RequestKind } from '#events/ai.ts'
import type { Foldable } from '#events/kit/envelope.ts'
import { noCaseFor } from '#events/kit/stream.ts'
import { isoTime } from './engine/iso-time.ts'
import { type Queryable, view } from './engine/view.ts'

/** A request to a model and its outcome. */
export type AiRequestRow = {
  /** `note-42` or `summary-dQw4w9WgXcQ`. */
  request: string
  kind: string
  video_id: string
  note_id: number | null
  user_id: number | null
  status: string
  /** Number of the last question; 0 when none was asked yet. */
  attempt: number
  /** Whether the request was part of a backfill: for a note older than its author's switch to notes by AI. */
  backfill: boolean
  /** When the request took this status, in milliseconds since the epoch. */
  since: number
  /** The queue's id for the last question that it got. */
  message_id: string | null
  /** Why it was withdrawn or given up. */
  cause: string | null
  /** Correlation id of the client's request that led to it. */
  correlation_id: string | null
  /** Id of the last event: the causation id of the next one. */
  event_id: string
  created_at: string
  updated_at: string
  /** Version of the stream. */
  version: number
}

type FoldedEvent = Foldable<AiEvent, 'id' | 'correlationId'>

export const aiRequestsView = view('ai-requests', {
  version: 1,
  from: aiEvents,
  key: 'request',
  perStream: true,
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
  uses: ['id', 'correlationId'],
  id: (event) => event.data.request,
  evolve: (row: AiRequestRow | undefined, event: FoldedEvent) => {
    const updated_at = isoTime(event.time)
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
      default:
        return noCaseFor(event)
    }
  },
})

function begun(row: AiRequestRow | undefined, { data, correlationId }: FoldedEvent, created_at: string) {
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

/** The arguments of commands on a row's request. */
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

/** Requests that were sent to a worker at or before a moment and are not answered, longest first. */
export const unanswered = (db: Queryable, kind: RequestKind, before: number, limit: number): Promise<AiRequestRow[]> =>
  db.query<AiRequestRow>(
    'ai-requests.unanswered',
    `select ${READ} from views.ai_requests where kind = $1 and status = 'dispatched' and since <= $2 order by since limit $3`,
    [kind, before, limit],
  )

/** Requests in the given statuses, oldest first. */
export const requestsIn = (db: Queryable, statuses: readonly RequestStatus[], limit: number): Promise<AiRequestRow[]> =>
  db.query<AiRequestRow>(
    'ai-requests.in',
    `select ${READ} from views.ai_requests where status = any ($1) order by since, request limit $2`,
    [statuses, limit],
  )

/**
 * Requests about a video or its notes, the most recently changed first. For people: without an index it reads the whole table.
 */
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

/** The number of requests in each status that is not final, and the oldest `since` among them. */
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
 * The notes on a video that a model may have to write, oldest first: empty notes of authors who have notes by AI turned on, and
 * notes of awaited requests. The latter are included even if the note itself is not visible because an event of its stream is
 * parked. Each comes with the correlation id of a client's request: of the request that had the note awaited, else of the one
 * that created the note, if the log still has it.
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

/**
 * A user's empty notes without a request, on videos with or without a transcript (`withTranscript`). Oldest first.
 * @param upTo log position: later notes, which the view may show already, are left out
 */
export const emptyNotesOf = (
  db: Queryable,
  userId: number,
  { withTranscript, upTo, limit }: { withTranscript: boolean; upTo: number; limit: number },
): Promise<{ note_id: number; video_id: string }[]> =>
  db.query(
    'ai-requests.emptyNotesOf',
    `select n.note_id, n.video_id from views.notes n join views.videos v on v.video_id = n.video_id
      where n.user_id = $1 and (n.text is null or n.text = '') and v.transcript_available = $2
        and not exists (select from views.ai_requests r where r.request = 'note-' || n.note_id)
        and not exists (select from log.events e where e.stream = 'note-' || n.note_id and e.version = 1 and e.pos > $4)
      order by n.created_at, n.note_id limit $3`,
    [userId, withTranscript, limit, upTo],
  )

/** How many of a user's notes a backfill has requested so far. */
export async function backfilledOf(db: Queryable, userId: number): Promise<number> {
  const [row] = await db.query<{ notes: number }>(
    'ai-requests.backfilledOf',
    'select count(*) as notes from views.ai_requests where user_id = $1 and backfill',
    [userId],
  )
  return row!.notes
}
