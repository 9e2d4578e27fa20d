import { type Catalog, decode, EventError } from '#events/kit/codec.ts'
import type { Recorded } from '#events/kit/envelope.ts'
import type { Decider } from '#events/kit/stream.ts'
import type { Appender, Found, Place } from '../port.ts'
import { type Present, sizeOf, stateOf, textOf } from './memory.ts'

interface FoldingOptions {
  appender: Pick<Appender, 'stream'>
  catalog: Catalog
  deciderOf(stream: string): Decider
}

/**
 * Folds a stream from its last snapshot and the events after it, or from its whole history when another version of the decider
 * made the snapshot.
 *
 * @throws EventError when an event cannot be read, or when the whole history is needed and a part of it was pruned
 */
export function folding({ appender, catalog, deciderOf }: FoldingOptions): (stream: string, found: Found) => Promise<Present> {
  return async (stream, { kept, keptAt, since }) => {
    const { stateVersion, evolve } = deciderOf(stream)
    const isCurrent = !kept || kept.stateVersion === stateVersion
    const events = isCurrent ? since : await whole(stream, kept.version, stateVersion)
    const before = isCurrent && kept ? stateOf(kept) : undefined
    const state = events.reduce<unknown>((state, event) => evolve(state, decode(catalog, event)), before)
    const last = events.at(-1)
    return {
      version: last?.version ?? kept!.version,
      stateVersion,
      state: textOf(state),
      last: last ? placeOf(last) : keptAt && placeOf(keptAt),
      time: last?.time ?? keptAt?.time ?? 0,
      // A snapshot of another version makes every load read the whole history, so the next change must replace it.
      unkept: isCurrent ? events.reduce((sum, event) => sum + sizeOf(event), 0) : Number.POSITIVE_INFINITY,
    }
  }

  async function whole(stream: string, upTo: number, stateVersion: number): Promise<Recorded[]> {
    const history = await appender.stream(stream)
    // Events are pruned by time, and the clocks of writers differ, so an event in the middle may be missing too.
    if (history.length < upTo || history.some(({ version }, i) => version !== i + 1))
      throw new EventError(
        'PRUNED',
        `events of ${stream} were pruned, so its state cannot be folded for version ${stateVersion} of its decider`,
      )
    return history
  }
}

const placeOf = ({ topic, partition, pos }: Place): Place => ({ topic, partition, pos })
