import type { Place } from '#platform/log/port.ts'
import type { Replay } from '../fold-history.ts'
import type { CarriedError } from './carried-error.ts'

/** What one thread folds: some partitions of every view. */
export interface Part {
  /** Their replays; a view is named, because functions cannot be sent. */
  replays: (Pick<Replay, 'upTo' | 'expectedBytes' | 'leaveOut'> & { view: string })[]
  /** Memory for rows, roughly. */
  budgetBytes: number
  /** Whether it pauses while people are served. */
  isPaced: boolean
}

/** From a thread. `nth` is the place of the view in the part. */
export type Told =
  | { what: 'read'; nth: number; events: number }
  | { what: 'left out'; nth: number; place: Place }
  | { what: 'lines'; nth: number; lines: Uint8Array }
  /** It is done: for each view the error that ended it, if one did. */
  | { what: 'ended'; errors: (CarriedError | undefined)[] }
  /** It could not read the history. */
  | { what: 'failed'; error: CarriedError }

/** To a thread: lines of a view are on their way to the database, or the view's replay has ended. */
export interface Answer {
  what: 'taken' | 'stop'
  nth: number
}
