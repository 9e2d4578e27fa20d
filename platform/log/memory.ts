import { LRUCache } from 'lru-cache'
import { type Catalog, decode } from '#events/kit/codec.ts'
import type { Decider } from '#events/kit/stream.ts'
import type { Pending } from './execution.ts'
import type { Appender, Found, Group, Loaded, Place, Verdict } from './port.ts'

/** A stream as a round finds it: how far it goes and what it folds to. */
export interface Known {
  version: number
  state: unknown
  /** Where its last event lies; undefined before the first. */
  last: Place | undefined
}

/** All that a round needs to know before it decides. */
export interface Recalled {
  /** Only streams that exist. */
  streams: ReadonlyMap<string, Known>
  /** Streams that were not asked for again: another process may have changed them since. */
  remembered: ReadonlySet<string>
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
  const states = new LRUCache<string, Found>({ maxSize: MAX_SIZE, sizeCalculation: ({ state }) => state.length + 100 })
  const drawn = new Map<string, number[]>()

  /** A state that an older version of its decider folded is folded anew from its events. */
  async function refolded(stream: string, kept: Found): Promise<Found> {
    const decider = deciderOf(stream)
    if (kept.stateVersion === decider.stateVersion) return kept
    const history = (await appender.stream(stream)).filter((event) => event.version <= kept.version)
    if (history.length < kept.version)
      throw new Error(
        `the first events of ${stream} were pruned, so its state cannot be folded anew for version ${decider.stateVersion}`,
      )
    const state = history.reduce<unknown>((state, event) => decider.evolve(state, decode(catalog, event) as never), undefined)
    return { ...kept, stateVersion: decider.stateVersion, state: JSON.stringify(state) }
  }

  return {
    async recall(batch) {
      const needs = needsOf(batch)
      for (const stream of needs.afresh) states.delete(stream)
      const remembered = new Set([...needs.streams].filter((stream) => states.has(stream)))
      const missing = [...needs.streams].filter((stream) => !remembered.has(stream))
      const streams = new Map([...remembered].map((stream) => [stream, known(states.get(stream)!)]))

      const ids: Record<string, number> = {}
      for (const [sequence, count] of needs.ids)
        if ((drawn.get(sequence)?.length ?? 0) < count) ids[sequence] = Math.max(count, Math.min(count * AHEAD, AHEAD_MAX))
      let keys: Loaded['keys'] = []
      if (missing.length + needs.keys.length + Object.keys(ids).length > 0) {
        const loaded = await appender.load({ streams: missing, ids, keys: needs.keys })
        keys = loaded.keys
        for (const [sequence, numbers] of Object.entries(loaded.ids))
          drawn.set(sequence, [...(drawn.get(sequence) ?? []), ...numbers])
        for (const [stream, asKept] of loaded.streams) {
          const kept = await refolded(stream, asKept)
          states.set(stream, kept)
          streams.set(stream, known(kept))
        }
      }
      return { streams, remembered, keys, draw: (sequence) => drawn.get(sequence)!.shift()! }
    },
    learn(groups, verdicts) {
      for (const [i, { streams, events }] of groups.entries()) {
        const { positions } = verdicts[i]!
        const last = new Map<string, Place>()
        for (const [n, pos] of (positions ?? []).entries()) {
          const { stream, topic, partition } = events[n]!
          last.set(stream, { topic, partition, pos })
        }
        for (const { stream, next } of streams) {
          if (!positions) states.delete(stream)
          else if (next) states.set(stream, { ...next, last: last.get(stream)! })
        }
      }
    },
    forget: () => states.clear(),
  }
}

/** Parsed for each round, so that nobody shares an object with the memory. */
const known = ({ version, state, last }: Found): Known => ({ version, state: JSON.parse(state), last })

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
