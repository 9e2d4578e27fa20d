import { mediaJobs } from '#events/media.ts'
import type { Request } from '#platform/http/request.ts'
import type { Cause } from '#platform/log/commands/executor.ts'
import { newestOf } from '#platform/log/postgres/newest.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { RequestStatus } from '#projections/ai-requests.ts'
import { requestBy } from '#projections/ai-requests.ts'
import { mediaOf } from '#projections/media.ts'

const EVENT_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The event that a worker says it works on (`X-Causation-ID`). */
export function causationOf({ headers }: Request): string | null {
  const said = headers['x-causation-id']
  return typeof said === 'string' && EVENT_ID.test(said) ? said.toLowerCase() : null
}

const hasNamedItself = ({ id, headers }: Request) => headers['x-request-id'] === id

const OVER: readonly RequestStatus[] = ['answered', 'withdrawn']

/**
 * The cause of a model's answer. If a worker does not send all of it, the answer is taken to belong to the newest request: one read
 * by key, from a view that may lag a little.
 *
 * @param asked for example `note-42`
 */
export async function causeOfAnswer(db: Queryable, request: Request, asked: string): Promise<Cause> {
  const { causationId } = request
  if (causationId && hasNamedItself(request)) return { correlationId: request.id, causationId }
  // An answer is accepted even when its cause cannot be found.
  const row = await requestBy(db, asked).catch(() => undefined)
  const open = row && !OVER.includes(row.status as RequestStatus) ? row : undefined
  return { correlationId: open?.correlation_id ?? request.id, causationId: causationId ?? open?.event_id ?? null }
}

/**
 * The cause of a media worker's report: the request for the job. If the worker does not send all of it, the rest is taken from the
 * newest event of the job.
 */
export async function causeOfReport(db: Queryable, request: Request, videoId: string): Promise<Cause> {
  const { causationId } = request
  if (causationId && hasNamedItself(request)) return { correlationId: request.id, causationId }
  // The log may be pruned and the view may lag, but one of them has it.
  const newest = (await newestOf(db, mediaJobs.of(videoId).stream)) ?? (await ofRow(db, videoId))
  return { correlationId: newest?.correlationId ?? request.id, causationId: causationId ?? newest?.id ?? null }
}

async function ofRow(db: Queryable, videoId: string) {
  const row = await mediaOf(db, videoId)
  return row && { id: row.event_id, correlationId: row.correlation_id }
}
