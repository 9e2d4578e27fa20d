import { decode, type TypeVersion } from '#events/kit/codec.ts'
import type { EventOf, Recorded } from '#events/kit/envelope.ts'
import { type Cause, causeOf } from '#platform/log/cause.ts'
import { failed, failedBy, type Parked, waiting } from '#platform/log/consumers/parked.ts'
import { unknownIn } from '#platform/log/newer-code.ts'
import { gone, type Id, type View } from './view.ts'

export type Row = Record<string, unknown>

/** A decoded event with the id of its row, or the cause of the failure to decode it; `unknown` when newer code may know it. */
export type Reading =
  | { recorded: Recorded; event: EventOf; id: Id; cause?: undefined; unknown?: undefined }
  | { recorded: Recorded; cause: Cause; unknown: TypeVersion | undefined }

/** Decodes an event for a view. Never throws: a failure becomes the reading's `cause`. */
export function readFor(view: View, recorded: Recorded): Reading {
  try {
    const event = decode(view.catalog, recorded)
    return { recorded, event, id: view.id(event) }
  } catch (error) {
    return { recorded, cause: causeOf(error, recorded.data), unknown: unknownIn(error) }
  }
}

/** Folds one event into its row: the new row, `gone`, or undefined when nothing changes. */
export function changeOf(view: View, before: Row | undefined, event: EventOf): Row | typeof gone | undefined {
  const after = view.evolve(before, event)
  return after === before ? undefined : after
}

/** The effect of a batch: changed rows (undefined: deleted) and the events to park. */
export interface FoldedBatch {
  changed: Map<Id, Row | undefined>
  parked: Parked[]
}

/**
 * Folds a batch over the rows that it touches. Pure.
 *
 * @param isStuck whether the event's stream is parked already: then this event must wait behind the earlier one (P8)
 */
export function fold(
  view: View,
  rows: ReadonlyMap<Id, Row>,
  readings: readonly Reading[],
  isStuck: (recorded: Recorded) => boolean,
): FoldedBatch {
  const changed: FoldedBatch['changed'] = new Map()
  const parked: Parked[] = []
  const stuck = new Set<string>()
  for (const reading of readings) {
    const { recorded } = reading
    if (isStuck(recorded) || stuck.has(recorded.stream)) {
      parked.push(waiting(recorded))
      continue
    }
    if (reading.cause !== undefined) {
      stuck.add(recorded.stream)
      parked.push(failedBy(recorded, reading.cause))
      continue
    }
    try {
      const { id, event } = reading
      const before = changed.has(id) ? changed.get(id) : rows.get(id)
      const after = changeOf(view, before, event)
      if (after === undefined) continue
      changed.set(id, after === gone ? undefined : after)
    } catch (error) {
      stuck.add(recorded.stream)
      parked.push(failed(recorded, error))
    }
  }
  return { changed, parked }
}
