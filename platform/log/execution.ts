import type { Command, Rejection } from '#events/kit/command.ts'
import type { Place } from './port.ts'

/** A command was refused; nothing was appended. */
export class Rejected extends Error {
  readonly code: Rejection['code'] | 'VALIDATION_ERROR'
  readonly details: unknown
  constructor(code: Rejected['code'], message: string, details: unknown = null) {
    super(message)
    this.name = 'Rejected'
    this.code = code
    this.details = details
  }
}

/** A decision's rejection as an error. */
export const rejected = ({ code, message, details }: Rejection) => new Rejected(code, message, details)

/** Who asks, and on behalf of what; it travels in the envelope. */
export interface Context {
  actor: string | null
  correlationId: string | null
  causationId?: string | null
  traceparent?: string | null
  /** The same key in the same scope gives the same result, and no second event. `fingerprint` is of the request. */
  idempotency?: { scope: string; key: string; fingerprint: string }
}

/** What led to something: an event, and the request of a client that it goes back to. */
export type Cause = Pick<Context, 'correlationId' | 'causationId'>

export interface Executed<R> {
  result: R
  /** Where the events lie; empty when there was nothing to do. */
  positions: Place[]
  /** Where the last events lie that were there to decide on: the result stands on them too, whoever wrote them. */
  seen: Place[]
  /** The result of an earlier request with the same Idempotency-Key. */
  replayed: boolean
}

export type Execute = <R>(command: Command<R>, context: Context) => Promise<Executed<R>>

/** A command on its way, with the promise of whoever waits for it. */
export interface Pending {
  command: Command
  context: Context
  attempts: number
  /** It decided to write nothing on a state that was only remembered: what it reads is to be loaded. */
  doubted?: boolean
  /** Another of the last round wanted the same. */
  waits?: boolean | undefined
  resolve(executed: Executed<unknown>): void
  reject(error: unknown): void
}
