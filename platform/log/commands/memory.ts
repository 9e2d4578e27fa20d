import { LRUCache } from 'lru-cache'
import type { Appended, Appender, FoldedState, Found, Group, Loaded, Place, Verdict } from '../port.ts'
import type { Pending } from './contract.ts'

/** A stream folded to its newest event, with the place of that event (undefined when it was pruned). */
export type Present = FoldedState & { last: Place | undefined }

/** A stream as a round finds it: its version and its folded state. */
export interface Known {
  version: number
  state: unknown
  /** Place of its last event; undefined if it has none or that event was pruned. */
  last: Place | undefined
  /** When its last event was recorded, in milliseconds since the epoch; 0 when not known. */
  time: number
  /** Characters of events after its last stored snapshot. */
  unkept: number
}

/** What a round needs before it decides. */
export interface Recalled {
  /** Only streams that exist. */
  streams: ReadonlyMap<string, Known>
  /** Streams taken from memory without a query: another process may have changed them since. */
  remembered: ReadonlySet<string>
  /** Log position at which all these streams were current; undefined when none is known. */
  known: number | undefined
  results: Loaded['results']
  /** Returns an id that no other command gets. */
  draw(sequence: string): number
}

/** What a process remembers between rounds, so that most rounds need no query before their append. */
export interface Memory {
  recall(batch: readonly Pending[]): Promise<Recalled>
  /** Takes in the verdicts on a round. */
  learn(groups: readonly Group[], verdicts: readonly Verdict[]): void
  /** The last log position that this process has seen. */
  seen(): number
  forget(): void
}

/** Bound of the remembered states, in characters of JSON. */
const MAX_SIZE = 32 * 2 ** 20
/** Ids to draw ahead for each one needed now: few are lost when a process ends, and a busy process seldom asks for more. */
const AHEAD = 16
const AHEAD_MAX = 1024

interface MemoryOptions {
  appender: Pick<Appender, 'load'>
  /** Folds a stream that is not remembered. */
  fold(stream: string, found: Found): Promise<Present>
}

export function openMemory({ appender, fold }: MemoryOptions): Memory {
  // A stale state does no harm: the append checks the version of every stream that a command read.
  const states = new LRUCache<string, Remembered>({ maxSize: MAX_SIZE, sizeCalculation: ({ state }) => state.length + 100 })
  const drawn = new Map<string, number[]>()
  /** Only this memory's rounds wrote between these positions, so a remembered state that was current at `from` still is at `to`. */
  let own: { from: number; to: number } | undefined
  let seen = 0

  /** The latest known position at which everything that was current at `asOf` is still current. */
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
      let results: Loaded['results'] = []
      if (missing.length + needs.idempotencyKeys.length + Object.keys(ids).length > 0) {
        const loaded = await appender.load({ streams: missing, ids, idempotencyKeys: needs.idempotencyKeys })
        results = loaded.results
        seen = Math.max(seen, loaded.head)
        for (const [sequence, numbers] of Object.entries(loaded.ids))
          drawn.set(sequence, [...(drawn.get(sequence) ?? []), ...numbers])
        for (const [stream, found] of loaded.streams) {
          const state = { ...(await fold(stream, found)), asOf: loaded.head }
          states.set(stream, state)
          streams.set(stream, known(state))
        }
        if (missing.length > 0) asOf = Math.min(asOf, loaded.head)
      }
      return { streams, remembered, known: knownOf(asOf), results, draw: (sequence) => drawn.get(sequence)!.shift()! }
    },
    learn(groups, verdicts) {
      const written = verdicts.flatMap(({ positions = [] }) => positions)
      if (written.length > 0) {
        const head = written[0]! - 1
        own = { from: own?.to === head ? own.from : head, to: written.at(-1)! }
        seen = Math.max(seen, own.to)
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
    seen: () => seen,
    forget() {
      states.clear()
      own = undefined
    },
  }
}

/** A stream that was current at log position `asOf`. */
type Remembered = Present & { asOf: number }

/** A state as JSON text; `stateOf` gives undefined back for undefined. */
export const textOf = (state: unknown): string => JSON.stringify(state ?? null)
export const stateOf = ({ state }: { state: string }): unknown => JSON.parse(state) ?? undefined

/** Characters of events after which a new snapshot is stored: a process that does not remember the stream reads about as many. */
export const KEEP_AFTER = 4_000
/** Estimated characters of an event beside its payload. */
const ENVELOPE = 200

/** Characters to read for an event that no snapshot holds. */
export const sizeOf = ({ data }: Pick<Appended, 'data'>) => data.length + ENVELOPE

const placed = ({ topic, partition }: Appended, pos: number): Place => ({ topic, partition, pos })

/** Parses the state for each round, so that no round shares an object with the memory. */
const known = (present: Present): Known => ({
  version: present.version,
  state: stateOf(present),
  last: present.last,
  time: present.time,
  unkept: present.unkept,
})

function needsOf(batch: readonly Pending[]) {
  const streams = new Set<string>()
  const afresh = new Set<string>()
  const ids = new Map<string, number>()
  const idempotencyKeys: { scope: string; key: string }[] = []
  for (const { command, context, doubted } of batch) {
    for (const name in command.reads) {
      const { stream } = command.reads[name]!
      streams.add(stream)
      if (doubted) afresh.add(stream)
    }
    for (const sequence of command.ids) ids.set(sequence, (ids.get(sequence) ?? 0) + 1)
    if (context.idempotency) idempotencyKeys.push(context.idempotency)
  }
  return { streams, afresh, ids, idempotencyKeys }
}
