import { decode } from '#events/kit/codec.ts'
import type { EventOf, Recorded } from '#events/kit/envelope.ts'
import { type Cause, causeOf } from '#platform/log/cause.ts'
import { failed, failedBy, type Parked, waiting } from '#platform/log/parked.ts'
import { gone, type Id, type View } from './view.ts'

export type Row = Record<string, unknown>

/** A decoded event with the id of its row, or the cause of the failure to decode it. */
export type Reading = { recorded: Recorded; event: EventOf; id: Id; cause?: undefined } | { recorded: Recorded; cause: Cause }

/** Decodes an event for a view. Never throws: a failure becomes the reading's `cause`. */
export function readFor(view: View, recorded: Recorded): Reading {
  try {
    const event = decode(view.catalog, recorded)
    return { recorded, event, id: view.id(event) }
  } catch (error) {
    return { recorded, cause: causeOf(error, recorded.data) }
  }
}

/** The effect of a batch: changed rows (undefined: deleted) and the events to park. */
export interface Folded {
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
): Folded {
  const changed: Folded['changed'] = new Map()
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
      const after = view.evolve(before, event)
      if (after === undefined || after === before) continue
      changed.set(id, after === gone ? undefined : after)
    } catch (error) {
      stuck.add(recorded.stream)
      parked.push(failed(recorded, error))
    }
  }
  return { changed, parked }
}
