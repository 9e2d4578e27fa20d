import pg from 'pg'
import { OperatorError } from '#platform/operator-error.ts'
import { ConnectionLost } from '#platform/pg/errors.ts'
import { ReplayStopped } from '../replay-stopped.ts'

/** Classes that callers of a replay tell apart. */
const CLASSES = [ReplayStopped, OperatorError, ConnectionLost, pg.DatabaseError, Error]

/** An error as data. Between threads an error would lose its class and its code. */
export interface CarriedError {
  /** Index in `CLASSES`. */
  of: number
  message: string
  stack: string | undefined
  /** What else it has, such as its name and the code of the database. */
  fields: Record<string, string | number>
  cause: CarriedError | undefined
}

/** @param error a value that was thrown */
export function carry(error: unknown): CarriedError {
  if (!(error instanceof Error)) return carry(new Error(String(error)))
  const { message, stack, name, cause } = error
  const scalars = Object.entries(error).filter(([, value]) => ['string', 'number'].includes(typeof value))
  return {
    of: CLASSES.findIndex((one) => error instanceof one),
    message,
    stack,
    fields: { ...Object.fromEntries(scalars), name },
    cause: cause instanceof Error && cause !== error ? carry(cause) : undefined,
  }
}

/** The error that was carried, with its class, message, stack and causes. */
export function carried({ of, message, stack, fields, cause }: CarriedError): Error {
  const error = new Error(message, cause && { cause: carried(cause) })
  Object.setPrototypeOf(error, CLASSES[of]!.prototype)
  for (const [field, value] of Object.entries({ ...fields, stack }))
    Object.defineProperty(error, field, { value, writable: true, configurable: true, enumerable: false })
  return error
}
