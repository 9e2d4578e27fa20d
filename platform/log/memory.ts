import { LRUCache } from 'lru-cache'
import type { Catalog } from '#events/kit/codec.ts'
import type { Decider } from '#events/kit/stream.ts'
import type { Pending } from './execution.ts'
import { folding, type Present, stateOf } from './folding.ts'
import type { Appended, Appender, Group, Loaded, Place, Verdict } from './port.ts'

/** A stream as a round finds it: how far it goes and what it folds to. */
export interface Known {
  version: number
  state: unknown
  /** Where its last event lies; undefined before the first. */
  last: Place | undefined
  /** Characters to read again since its state was kept. */
  unkept: number
}

/** All that a round needs to know before it decides. */
export interface Recalled {
  /** Only streams that exist. */
  streams: ReadonlyMap<string, Known>
  /** Streams that were not asked for again: another process may have changed them since. */
  remembered: ReadonlySet<string>
  /** A position at which all of them were the truth; undefined when none is known. */
  known: number | undefined
  keys: Loaded['keys']
  /** A number that nobody else gets. */
  draw(sequence: string): number
}

/** What a process remembers from one round to the next, so that most rounds need not ask the database before they append. */
export interface Memory {
  recall(batch: readonly Pending[]): Promise<Recalled>
  /** Takes in what became of a round. */
  learn(groups: readonly Group[], verdicts: readonly Verdict[]): void
  forget(): void
}

/** Characters of JSON. */
const MAX_SIZE = 32 * 2 ** 20
/** Numbers to draw ahead for each that is needed now: few are lost when a process ends, and busy ones seldom ask. */
const AHEAD = 16
const AHEAD_MAX = 1024

interface MemoryOptions {
  appender: Appender
  catalog: Catalog
  deciderOf(stream: string): Decider
}

export function openMemory({ appender, catalog, deciderOf }: MemoryOptions): Memory {
  // A stale state does no harm: everything that a command saw is checked when it is appended.
  const states = new LRUCache<string, Remembered>({ maxSize: MAX_SIZE, sizeCalculation: ({ state }) => state.length + 100 })
  const drawn = new Map<string, number[]>()
  const fold = folding({ appender, catalog, deciderOf })
  /** Between these positions lie only events of this memory's own rounds. What was the truth at the first is so at the last. */
  let own: { from: number; to: number } | undefined

  /** The best position at which all was the truth that was so at `asOf`. */
  const knownOf = (asOf: number): number | undefined => {
    if (own && asOf >= own.from) return own.to
    return asOf === Number.POSITIVE_INFINITY ? undefined : asOf
  }

  return {
    async recall(batch) {
      const needs = needsOf(batch)
      for (const stream of needs.afresh) states.delete(stream)
      const remembered = new Set([...needs.streams].filter((stream) => states.has(stream)))
      const missing = [...needs.streams].filter((stream) => !remembered.has(stream))
      const streams = new Map<string, Known>()
      let asOf = own?.to ?? Number.POSITIVE_INFINITY
      for (const stream of remembered) {
        const state = states.get(stream)!
        asOf = Math.min(asOf, state.asOf)
        streams.set(stream, known(state))
      }

      const ids: Record<string, number> = {}
      for (const [sequence, count] of needs.ids)
        if ((drawn.get(sequence)?.length ?? 0) < count) ids[sequence] = Math.max(count, Math.min(count * AHEAD, AHEAD_MAX))
      let keys: Loaded['keys'] = []
      if (missing.length + needs.keys.length + Object.keys(ids).length > 0) {
        const loaded = await appender.load({ streams: missing, ids, keys: needs.keys })
        keys = loaded.keys
        for (const [sequence, numbers] of Object.entries(loaded.ids))
          drawn.set(sequence, [...(drawn.get(sequence) ?? []), ...numbers])
        for (const [stream, found] of loaded.streams) {
          const state = { ...(await fold(stream, found)), asOf: loaded.head }
          states.set(stream, state)
          streams.set(stream, known(state))
        }
        if (missing.length > 0) asOf = Math.min(asOf, loaded.head)
      }
      return { streams, remembered, known: knownOf(asOf), keys, draw: (sequence) => drawn.get(sequence)!.shift()! }
    },
    learn(groups, verdicts) {
      const written = verdicts.flatMap(({ positions = [] }) => positions)
      if (written.length > 0) {
        const head = written[0]! - 1
        own = { from: own?.to === head ? own.from : head, to: written.at(-1)! }
      }
      for (const [i, { streams, events }] of groups.entries()) {
        const { positions } = verdicts[i]!
        const last = new Map(positions?.map((pos, n) => [events[n]!.stream, placed(events[n]!, pos)]))
        for (const { stream, next } of streams) {
          if (!positions) states.delete(stream)
          else if (next) states.set(stream, { ...next, last: last.get(stream)!, asOf: own!.to })
          else if (last.has(stream)) states.delete(stream)
          else if (own && states.has(stream)) states.get(stream)!.asOf = own.to
        }
      }
    },
    forget() {
      states.clear()
      own = undefined
    },
  }
}

/** A stream as it was at a position. */
type Remembered = Present & { asOf: number }

const placed = ({ topic, partition }: Appended, pos: number): Place => ({ topic, partition, pos })

/** Parsed for each round, so that nobody shares an object with the memory. */
const known = (present: Present): Known => ({
  version: present.version,
  state: stateOf(present),
  last: present.last,
  unkept: present.unkept,
})

function needsOf(batch: readonly Pending[]) {
  const streams = new Set<string>()
  const afresh = new Set<string>()
  const ids = new Map<string, number>()
  const keys: { scope: string; key: string }[] = []
  for (const { command, context, doubted } of batch) {
    for (const name in command.reads) {
      const { stream } = command.reads[name]!
      streams.add(stream)
      if (doubted) afresh.add(stream)
    }
    for (const sequence of command.ids) ids.set(sequence, (ids.get(sequence) ?? 0) + 1)
    if (context.idempotency) keys.push(context.idempotency)
  }
  return { streams, afresh, ids, keys }
}
