import type { NewEvent } from './envelope.ts'
import type { StreamRef } from './stream.ts'

/** Reserves a value for one stream, such as an e-mail address for an account. `owner: null` releases it. */
export interface Reservation {
  kind: string
  value: string
  owner: string | null
}

/** A value that must never be in the log. It is stored beside the log, in the append transaction. `value: null` removes it. */
export interface Credential {
  owner: string
  kind: string
  value: string | null
}

/**
 * A counter changed in the append transaction, such as the messages a user sent in a day. The transaction checks the bound, so
 * concurrent commands cannot exceed it. It never falls below zero.
 */
export interface Count {
  name: string
  add: number
  /** The command is refused if the number would be greater than this. */
  bound?: { most: number; refused: Rejection }
  /** Milliseconds since the epoch. After this moment nobody needs the counter, and it is deleted. */
  until: number
}

/** Why a command was rejected. `code` is one of the API's error codes. */
export interface Rejection {
  code: 'NOT_FOUND' | 'CONFLICT' | 'BAD_REQUEST' | 'UNAUTHORIZED' | 'FORBIDDEN' | 'RATE_LIMIT_EXCEEDED' | 'PRECONDITION_FAILED'
  message: string
  details?: unknown
}

/** Rows written in the append transaction together with the events. */
export interface SideRows {
  reservations?: Reservation[]
  credentials?: Credential[]
  counts?: Count[]
}

/** What a command decided: events to append and an answer for the sender, or a rejection. */
export type Decision<R> = ({ events: NewEvent[]; result: R; rejection?: undefined } & SideRows) | { rejection: Rejection }

/** Appends `events`, all or none. `result` must be plain JSON: it is stored and returned again for a repeated Idempotency-Key. */
export const emit = <R>(events: NewEvent[], result: R, rows: SideRows = {}): Decision<R> => ({ events, result, ...rows })

/** Accepts the command without an event, for example because its effect is already there. */
export const nothing = <R>(result: R): Decision<R> => ({ events: [], result })

/** Rejects the command. */
export const reject = (code: Rejection['code'], message: string, details?: unknown): Decision<never> => ({
  rejection: { code, message, details },
})

/**
 * Rejects a command whose sender saw another version than the newest (`If-Match`, P4).
 *
 * @param expected the versions the sender accepts; undefined accepts any
 * @returns undefined when the command may go on
 */
export const refuseUnless = (expected: readonly number[] | undefined, version: number): Decision<never> | undefined =>
  !expected || expected.includes(version)
    ? undefined
    : reject('PRECONDITION_FAILED', 'It has changed since you read it: read it again, then decide')

export type States<Reads extends Record<string, StreamRef>> = {
  [K in keyof Reads]: Reads[K] extends StreamRef<infer S> ? S | undefined : never
}

/** Inputs of a decision beside the states. They come in as data, so that deciding stays pure. */
export interface Given<Ids extends string> {
  /** Milliseconds since the epoch; becomes the events' time. */
  now: number
  /** A fresh number from each sequence that the command names. */
  ids: Record<Ids, number>
}

/**
 * A request to change something: the streams to read, and a pure function that decides on their states.
 *
 * The events are appended only if every stream in `reads` is unchanged since it was read (P4);
 * otherwise the command is decided again.
 */
export interface Command<R = unknown> {
  name: string
  reads: Record<string, StreamRef>
  /** Ids to draw; a decider declares each. */
  ids: string[]
  /** Rejection when another stream holds a value that the command reserves. */
  taken: Rejection
  /** Correlation id for the events, where it differs from that of the causing event. */
  correlationId?: string | undefined
  decide(states: Record<string, unknown>, given: Given<string>): Decision<R>
  /**
   * Builds the real command from a stored result. Set on a command that only looks up an Idempotency-Key, before its real command
   * can be built. Called when the result was stored by another code version and must be computed again.
   */
  remake?: ((kept: unknown) => Command<R>) | undefined
}

/** Declares a command, inferring the types of its states and ids. */
export function command<R, Reads extends Record<string, StreamRef>, Ids extends string = never>(spec: {
  name: string
  reads: Reads
  ids?: Ids[]
  taken?: Rejection
  correlationId?: string | undefined
  decide(states: States<Reads>, given: Given<Ids>): Decision<R>
}): Command<R> {
  return { ids: [], taken: { code: 'CONFLICT', message: 'Already taken' }, ...spec } as unknown as Command<R>
}
