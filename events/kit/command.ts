import type { NewEvent } from './envelope.ts'
import type { StreamRef } from './stream.ts'

/** A value that only one stream may hold, for example an e-mail address. `owner` null gives it up. */
export interface Claim {
  kind: string
  value: string
  owner: string | null
}

/** A value that must never be in the log, kept beside it and written in the append transaction. `value` null removes it. */
export interface Credential {
  owner: string
  kind: string
  value: string | null
}

/**
 * A number kept in the append transaction, such as the messages that somebody sent in a day: many at once cannot pass its
 * bound, whatever anybody remembers of it. It never falls below zero.
 */
export interface Count {
  name: string
  add: number
  /** The command is refused if the number would be greater than this. */
  bound?: { most: number; refused: Rejection }
  /** Nobody asks for the number after this moment (milliseconds since the epoch), and it is forgotten. */
  until: number
}

/** Why a command was refused. `code` is one of the codes that the API knows. */
export interface Rejection {
  code: 'NOT_FOUND' | 'CONFLICT' | 'BAD_REQUEST' | 'UNAUTHORIZED' | 'FORBIDDEN' | 'RATE_LIMIT_EXCEEDED' | 'PRECONDITION_FAILED'
  message: string
  details?: unknown
}

/** What is written in the append transaction beside the events. */
export interface Beside {
  claims?: Claim[]
  credentials?: Credential[]
  counts?: Count[]
}

/** What a command decided: events to append and an answer for who asked, or a rejection. */
export type Decision<R> = ({ events: NewEvent[]; result: R; rejection?: undefined } & Beside) | { rejection: Rejection }

/** Appends `events`; they win or lose together. `result` must be plain JSON: a repeated Idempotency-Key gives it again. */
export const emit = <R>(events: NewEvent[], result: R, beside: Beside = {}): Decision<R> => ({ events, result, ...beside })

/** Already done: no event, but an answer. */
export const nothing = <R>(result: R): Decision<R> => ({ events: [], result })

/** Refuses the command. */
export const reject = (code: Rejection['code'], message: string, details?: unknown): Decision<never> => ({
  rejection: { code, message, details },
})

/**
 * Refuses a command whose sender has seen another version of the thing than the newest (`If-Match`, P4).
 *
 * @param expected the versions that the sender would have; undefined for any
 * @returns undefined when the command may go on
 */
export const refuseUnless = (expected: readonly number[] | undefined, version: number): Decision<never> | undefined =>
  !expected || expected.includes(version)
    ? undefined
    : reject('PRECONDITION_FAILED', 'It has changed since you read it: read it again, then decide')

export type States<Reads extends Record<string, StreamRef>> = {
  [K in keyof Reads]: Reads[K] extends StreamRef<infer S> ? S | undefined : never
}

/** What a decision may know beside the states: the time comes in as data, ids are drawn before deciding. */
export interface Given<Ids extends string> {
  /** Milliseconds since the epoch; the events will carry it. */
  now: number
  /** A fresh number from each sequence that the command named. */
  ids: Record<Ids, number>
}

/**
 * A wish, with the streams it must see to decide and a pure function that decides.
 *
 * Everything in `reads` is still as it was seen when the events are appended (P4); otherwise the command is decided again.
 */
export interface Command<R = unknown> {
  name: string
  reads: Record<string, StreamRef>
  ids: string[]
  /** What to answer when a claim is already held by another stream. */
  claimed: Rejection
  /** Of the client's request that it goes back to, where an event causes it that goes back to another one. */
  correlationId?: string | undefined
  decide(states: Record<string, unknown>, given: Given<string>): Decision<R>
}

/** Declares a command, inferring the types of its states and ids. */
export function command<R, Reads extends Record<string, StreamRef>, Ids extends string = never>(spec: {
  name: string
  reads: Reads
  ids?: Ids[]
  claimed?: Rejection
  correlationId?: string | undefined
  decide(states: States<Reads>, given: Given<Ids>): Decision<R>
}): Command<R> {
  return { ids: [], claimed: { code: 'CONFLICT', message: 'Already taken' }, ...spec } as unknown as Command<R>
}
