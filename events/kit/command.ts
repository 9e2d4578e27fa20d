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

/** Why a command was refused. `code` is one of the codes that the API knows. */
export interface Rejection {
  code: 'NOT_FOUND' | 'CONFLICT' | 'BAD_REQUEST' | 'UNAUTHORIZED' | 'FORBIDDEN'
  message: string
  details?: unknown
}

/** What a command decided: events to append and an answer for who asked, or a rejection. */
export type Decision<R> =
  | { events: NewEvent[]; result: R; claims?: Claim[]; credentials?: Credential[]; rejection?: undefined }
  | { rejection: Rejection }

/** Appends `events`; they win or lose together. `result` must be plain JSON: a repeated Idempotency-Key gives it again. */
export const emit = <R>(
  events: NewEvent[],
  result: R,
  also: { claims?: Claim[]; credentials?: Credential[] } = {},
): Decision<R> => ({ events, result, ...also })

/** Already done: no event, but an answer. */
export const nothing = <R>(result: R): Decision<R> => ({ events: [], result })

/** Refuses the command. */
export const reject = (code: Rejection['code'], message: string, details?: unknown): Decision<never> => ({
  rejection: { code, message, details },
})

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
  decide(states: Record<string, unknown>, given: Given<string>): Decision<R>
}

/** Declares a command, inferring the types of its states and ids. */
export function command<R, Reads extends Record<string, StreamRef>, Ids extends string = never>(spec: {
  name: string
  reads: Reads
  ids?: Ids[]
  claimed?: Rejection
  decide(states: States<Reads>, given: Given<Ids>): Decision<R>
}): Command<R> {
  return { ids: [], claimed: { code: 'CONFLICT', message: 'Already taken' }, ...spec } as unknown as Command<R>
}
