import type { Recorded } from '#events/kit/envelope.ts'
import { type Cause, causeOf } from '../cause.ts'

/** A parked event: a consumer could not handle it, or it waits behind one of its stream that failed. */
export interface Parked {
  recorded: Recorded
  state: 'failed' | 'waiting'
  /** The error's message; null when the event only waits. */
  cause: string | null
  /** With `place` and `pattern`: the cause in a form that can be counted; see `Cause`. */
  error: string | null
  place: string | null
  pattern: string | null
}

/** An event that failed for a cause. */
export const failedBy = (recorded: Recorded, { message, error, place, pattern }: Cause): Parked => ({
  recorded,
  state: 'failed',
  cause: message,
  error,
  place,
  pattern,
})

/** An event that failed with an error. */
export const failed = (recorded: Recorded, error: unknown): Parked => failedBy(recorded, causeOf(error, recorded.data))

/** An event that waits behind one that failed. */
export const waiting = (recorded: Recorded): Parked => ({
  recorded,
  state: 'waiting',
  cause: null,
  error: null,
  place: null,
  pattern: null,
})

/** Parked events as rows of `log.dead_letters`, in JSON. */
export const lettersOf = (parked: readonly Parked[]): string =>
  JSON.stringify(
    parked.map(({ recorded, ...why }) => {
      const { partition, stream, pos } = recorded
      return { partition, stream, pos, event: recorded, ...why }
    }),
  )

/** SQL that inserts the rows of `lettersOf`. `$1` is the consumer, `$2` the topic. */
export const insertLetters = (parameter: string) => `
  insert into log.dead_letters (consumer, topic, partition, stream, pos, event, state, cause, error, place, pattern)
  select $1, $2, l.partition, l.stream, l.pos, l.event, l.state, l.cause, l.error, l.place, l.pattern
    from json_to_recordset(${parameter})
      l(partition int, stream text, pos bigint, event json, state text, cause text, error text, place text, pattern text)`
