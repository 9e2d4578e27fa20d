import type { Replayed } from '#events/kit/envelope.ts'

/** The events of a topic that a view does not fold. */
export interface LeftOut {
  /** Position of a stream's first parked event, by stream. */
  parkedFrom: ReadonlyMap<string, number>
  /** Positions of skipped events. */
  skipped: ReadonlySet<number>
}

/** Returns a function that tells whether an event is left out; undefined when none is. */
export const leavesOut = ({ parkedFrom, skipped }: LeftOut): ((event: Replayed) => boolean) | undefined =>
  parkedFrom.size + skipped.size === 0
    ? undefined
    : ({ pos, stream }) => skipped.has(pos) || pos >= (parkedFrom.get(stream) ?? Number.POSITIVE_INFINITY)
