import type { Command, Rejection } from '#events/kit/command.ts'
import type { Place } from '../port.ts'

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

/** A command lost to other commands each time it was decided. Nothing was appended; repeating it later can help. */
export class Contended extends Error {
  override name = 'Contended'
}

/** A decision's rejection as an error. */
export const rejected = ({ code, message, details }: Rejection) => new Rejected(code, message, details)

/** Actor and origin of a command; stored in the envelope of its events. */
export interface Context {
  actor: string | null
  correlationId: string | null
  causationId?: string | null
  traceparent?: string | null
  /** The same key in the same scope gives the same result, and no second event. `fingerprint` identifies the request. */
  idempotency?: { scope: string; key: string; fingerprint: string }
}

/** The event that caused something, and the client request that it goes back to. */
export type Cause = Pick<Context, 'correlationId' | 'causationId'>

export interface Executed<R> {
  result: R
  /** Places of its events; empty when there was nothing to do. */
  positions: Place[]
  /** Places of the last events of the streams that it read: the result depends on them too, even if others wrote them. */
  seen: Place[]
  /** The result of an earlier request with the same Idempotency-Key. */
  replayed: boolean
}

export type Execute = <R>(command: Command<R>, context: Context) => Promise<Executed<R>>

/** A command that is not answered yet, with the callbacks of its caller's promise. */
export interface Pending {
  command: Command
  context: Context
  attempts: number
  /** It decided on remembered states to write nothing, so its streams must be loaded before it is decided again. */
  doubted?: boolean
  /** Another command of its last round wanted the same reservation, credential, count or Idempotency-Key. */
  waits?: boolean | undefined
  resolve(executed: Executed<unknown>): void
  reject(error: unknown): void
}
