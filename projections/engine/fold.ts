import { decode } from '#events/kit/codec.ts'
import type { EventOf, Recorded } from '#events/kit/envelope.ts'
import { type Parked, reason } from '#platform/log/parked.ts'
import { gone, type Id, type View } from './view.ts'

export type Row = Record<string, unknown>

/** An event read back with the row it belongs to, or why it could not be. */
export type Reading = { recorded: Recorded; event: EventOf; id: Id; cause?: undefined } | { recorded: Recorded; cause: string }

/** Reads an event for a view. Never throws. */
export function readFor(view: View, recorded: Recorded): Reading {
  try {
    const event = decode(view.catalog, recorded)
    return { recorded, event, id: view.id(event) }
  } catch (error) {
    return { recorded, cause: reason(error) }
  }
}

/** What a batch makes of the rows it touches: changed rows (undefined: gone) and the events it could not apply. */
export interface Folded {
  changed: Map<Id, Row | undefined>
  parked: Parked[]
}

/**
 * Folds a batch over the rows it touches. Pure.
 *
 * @param isStuck whether an earlier event of the stream is parked already: then this one waits behind it (P8)
 */
export function fold(
  view: View,
  rows: ReadonlyMap<Id, Row>,
  readings: readonly Reading[],
  isStuck: (recorded: Recorded) => boolean,
): Folded {
  const changed: Folded['changed'] = new Map()
  const parked: Parked[] = []
  const failed = new Set<string>()
  for (const reading of readings) {
    const { recorded } = reading
    if (isStuck(recorded) || failed.has(recorded.stream)) {
      parked.push({ recorded, state: 'waiting', cause: null })
      continue
    }
    try {
      if (reading.cause !== undefined) throw new Error(reading.cause)
      const { id, event } = reading
      const before = changed.has(id) ? changed.get(id) : rows.get(id)
      const after = view.evolve(before, event)
      if (after === undefined || after === before) continue
      changed.set(id, after === gone ? undefined : after)
    } catch (error) {
      failed.add(recorded.stream)
      parked.push({ recorded, state: 'failed', cause: reason(error) })
    }
  }
  return { changed, parked }
}
