import type { Recorded } from '#events/kit/envelope.ts'
import { OperatorError } from '#platform/operator-error.ts'
import { UUID } from '../uuid.ts'
import type { Reading } from './reading.ts'

/** The subject of a story. */
export interface Subject {
  /**
   * A stream, an event, a client's request by its `X-Request-ID`, a trace, or a message of a queue.
   */
  kind: 'stream' | 'event' | 'request' | 'trace' | 'message'
  name: string
}

export interface Found {
  subject: Subject
  /** The named events come first. */
  events: Recorded[]
  streams: string[]
  /** Ids of the named events; empty for a stream or a request, where no event stands out. */
  meant: string[]
}

const TRACE = /^(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?$/i
const VIDEO = /^[\w-]{11}$/

/** The streams that a short name may mean, the likeliest first: `42` is a note, a user or a conversation. */
export function streamsNamed(name: string): string[] {
  if (/^[1-9]\d*$/.test(name)) return [`note-${name}`, `user-${name}`, `conversation-${name}`]
  const ofVideo = VIDEO.test(name) ? [`video-${name}`, `media-${name}`] : []
  return [name, ...ofVideo, ...(UUID.test(name) ? [`operation-${name.toLowerCase()}`] : [])]
}

/** The 32 hex digits of a trace id, given alone or within a `traceparent`; undefined for anything else. */
export const traceIn = (name: string): string | undefined => TRACE.exec(name)?.[1]?.toLowerCase()

/**
 * Resolves a name: a stream, else an event, a message of a queue, a trace or a request, whichever exists. The fastest look-ups come
 * first. Returns one event more than the limit if there are more.
 *
 * @returns undefined when nothing has that name
 * @throws OperatorError when it may mean several streams
 */
export async function find(log: Reading, name: string, limit: number): Promise<Found | undefined> {
  const stream = await findStream(log, name, limit)
  if (stream) return stream
  const [event] = await log.byIds([name])
  if (event) return withRequests(log, { kind: 'event', name }, [event], limit)
  const sent = await log.ofMessage(name, limit)
  if (sent.length > 0) return withRequests(log, { kind: 'message', name }, sent, limit)
  const trace = traceIn(name)
  const traced = trace === undefined ? [] : await log.ofTrace(trace, limit + 1)
  if (traced.length > 0) return withRequests(log, { kind: 'trace', name: trace! }, traced, limit)
  const events = await log.ofRequests([name], limit + 1)
  if (events.length === 0) return undefined
  return { subject: { kind: 'request', name }, events, streams: distinct(events.map(({ stream }) => stream)), meant: [] }
}

async function findStream(log: Reading, name: string, limit: number): Promise<Found | undefined> {
  const candidates = streamsNamed(name)
  const found = await log.ofStreams(candidates, limit + 1)
  const streams = candidates.filter((stream) => found.some((event) => event.stream === stream))
  const [stream, ...others] = streams
  if (stream === undefined) return undefined
  // A video's id is not ambiguous: it means the stream of the video itself.
  if (others.length > 0 && /^\d+$/.test(name))
    throw new OperatorError(`${name} may be ${[stream, ...others].join(' or ')}: say which`)
  const events = found.filter((event) => event.stream === stream)
  return { subject: { kind: 'stream', name: stream }, events, streams: [stream], meant: [] }
}

/** The named events, and all other events of their requests. */
async function withRequests(log: Reading, subject: Subject, named: Recorded[], limit: number): Promise<Found> {
  const others = await log.ofRequests(distinct(named.map(({ correlationId }) => correlationId)), limit + 1)
  // Named events first, in case the others exceed the limit.
  const events = [...new Map([...named, ...others].map((event) => [event.id, event])).values()]
  return { subject, events, streams: distinct(events.map(({ stream }) => stream)), meant: named.map(({ id }) => id) }
}

/** Distinct values, without nulls. */
export const distinct = <T>(values: readonly (T | null)[]): T[] => [...new Set(values)].filter((value) => value !== null)
