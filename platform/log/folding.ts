import { type Catalog, decode, EventError } from '#events/kit/codec.ts'
import type { Recorded } from '#events/kit/envelope.ts'
import type { Decider } from '#events/kit/stream.ts'
import type { Appended, Appender, Folded, Found, Place } from './port.ts'

/** A stream folded to its newest event, and where that lies; undefined when it was pruned. */
export type Present = Folded & { last: Place | undefined }

interface FoldingOptions {
  appender: Pick<Appender, 'stream'>
  catalog: Catalog
  deciderOf(stream: string): Decider
}

/** Characters that a stream may grow by before its state is kept: so much is read again by who does not remember it. */
export const KEEP_AFTER = 4_000
/** What an event has beside its payload. */
const ENVELOPE = 200

/** What must be read again for an event that no snapshot holds, in characters. */
export const weight = ({ data }: Pick<Appended, 'data'>) => data.length + ENVELOPE

/**
 * Folds a stream: from the state that was kept last and what came after it, or from its whole history when that state was kept
 * by another version of the decider.
 *
 * @throws EventError when the history cannot be read, or is not whole any more and must be
 */
export function folding({ appender, catalog, deciderOf }: FoldingOptions): (stream: string, found: Found) => Promise<Present> {
  return async (stream, { kept, keptAt, since }) => {
    const { stateVersion, evolve } = deciderOf(stream)
    const isCurrent = !kept || kept.stateVersion === stateVersion
    const events = isCurrent ? since : await whole(stream, kept.version, stateVersion)
    const before = isCurrent && kept ? stateOf(kept) : undefined
    const state = events.reduce<unknown>((state, event) => evolve(state, decode(catalog, event) as never), before)
    const last = events.at(-1)
    return {
      version: last?.version ?? kept!.version,
      stateVersion,
      state: textOf(state),
      last: last ? placeOf(last) : keptAt,
      // What is kept in another version is read whole until it is kept anew.
      unkept: isCurrent ? events.reduce((sum, event) => sum + weight(event), 0) : Number.POSITIVE_INFINITY,
    }
  }

  async function whole(stream: string, upTo: number, stateVersion: number): Promise<Recorded[]> {
    const history = await appender.stream(stream)
    // Clocks of several writers do not agree, and events are pruned by their time: also one in between may be gone.
    if (history.length < upTo || history.some(({ version }, i) => version !== i + 1))
      throw new EventError(
        'PRUNED',
        `events of ${stream} were pruned, so its state cannot be folded anew for version ${stateVersion} of its decider`,
      )
    return history
  }
}

/** A state as text; one that is undefined comes back as such. */
export const textOf = (state: unknown): string => JSON.stringify(state ?? null)
export const stateOf = ({ state }: { state: string }): unknown => JSON.parse(state) ?? undefined

const placeOf = ({ topic, partition, pos }: Recorded): Place => ({ topic, partition, pos })
