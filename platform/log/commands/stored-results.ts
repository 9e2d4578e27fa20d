import { type Catalog, decode } from '#events/kit/codec.ts'
import type { Command, Decision } from '#events/kit/command.ts'
import type { NewEvent, Recorded } from '#events/kit/envelope.ts'
import { RESULTS_VERSION } from '#events/kit/results.ts'
import type { Decider } from '#events/kit/stream.ts'
import type { Appender, Loaded, Place, StreamVersion } from '../port.ts'

/** An Idempotency-Key that was used before, with its stored result. */
type Used = Loaded['results'][number]

interface ResultRenewerOptions {
  appender: Pick<Appender, 'stream'>
  catalog: Catalog
  deciderOf(stream: string): Decider
}

/** Identifies the code that made a result: the version of all results, and the state version of each kind of stream involved. */
export function madeBy(streams: readonly string[], deciderOf: (stream: string) => Decider): string {
  const states = streams.map((stream) => {
    const { stream: kind, stateVersion } = deciderOf(stream)
    return `${kind.kind}.${stateVersion}`
  })
  return [`results.${RESULTS_VERSION}`, ...[...new Set(states)].sort()].join(' ')
}

/** The streams that a stored result was decided on or wrote to. */
export const streamsOf = (reads: readonly StreamVersion[], events: readonly StreamVersion[]): string[] => [
  ...new Set([...reads, ...events].map(({ stream }) => stream)),
]

/**
 * Decides again a result that other code stored, because that code may have answered in another shape. Deciding is pure, and the
 * states that a command read were still current at its append: this code decides on the same states, with the same time and ids.
 *
 * The result stays as stored when its history is gone, or when this code would refuse the command.
 */
export function resultRenewer({
  appender,
  catalog,
  deciderOf,
}: ResultRenewerOptions): (used: Used, command: Command) => Promise<Used> {
  const after = (state: unknown, event: Recorded) => deciderOf(event.stream).evolve(state, decode(catalog, event))

  async function renewed(used: Used, command: Command): Promise<Used> {
    const streams = [...new Set([...Object.values(command.reads), ...used.events].map(({ stream }) => stream))]
    const histories = new Map(await Promise.all(streams.map(async (stream) => [stream, await appender.stream(stream)] as const)))
    const written = used.events.map(({ stream, version }) => histories.get(stream)!.find((event) => event.version === version))
    if (!written.every((event) => event !== undefined)) return used
    const first = written[0]
    const states: Record<string, unknown> = {}
    const seen: Place[] = []
    for (const [name, { stream }] of Object.entries(command.reads)) {
      const events = before(histories.get(stream)!, used.reads?.find((one) => one.stream === stream)?.version, first)
      if (!events) return used
      states[name] = events.reduce<unknown>(after, undefined)
      const last = events.at(-1)
      if (last) seen.push({ topic: last.topic, partition: last.partition, pos: last.pos })
    }
    const now = first?.time ?? used.at
    const decide = (ids: Record<string, number>): Decision<unknown> => command.decide(states, { now, ids })
    const ids = used.ids ?? idsOf(command.ids, decide, written)
    const decision = decide(ids)
    return decision.rejection ? used : { ...used, result: JSON.parse(JSON.stringify(decision.result)), seen }
  }

  return async (used, command) => {
    if (used.madeBy === madeBy(streamsOf(used.reads ?? [], used.events), deciderOf)) return used
    try {
      return await renewed(used, command.remake?.(used.result) ?? command)
    } catch {
      // This code cannot read a history or a state: the stored answer is better than none.
      return used
    }
  }
}

/**
 * The events of a stream that a command had read.
 * @returns undefined when some of them are gone, or it is not known which they were
 */
function before(history: Recorded[], version: number | undefined, first: Recorded | undefined): Recorded[] | undefined {
  if (version === undefined && !first) return undefined
  const events = history.filter((event) => (version === undefined ? event.pos < first!.pos : event.version <= version))
  const isWhole = events.every((event, i) => event.version === i + 1) && (version === undefined || events.length === version)
  return isWhole ? events : undefined
}

/** First of the placeholder ids, which differ from each other and are larger than any id that was drawn. */
const UNKNOWN_ID = Number.MAX_SAFE_INTEGER - 1_000

/**
 * Recovers the ids of a command whose code did not store them: decides with placeholder ids, then reads from the recorded events
 * the values in the same fields.
 */
function idsOf(
  names: readonly string[],
  decide: (ids: Record<string, number>) => Decision<unknown>,
  written: readonly Recorded[],
): Record<string, number> {
  if (names.length === 0) return {}
  const unknown = Object.fromEntries(names.map((name, i) => [name, UNKNOWN_ID + i]))
  const decision = decide(unknown)
  const events: NewEvent[] = decision.rejection ? [] : decision.events
  const ids: Record<string, number> = {}
  for (const name of names)
    for (const [i, event] of events.entries()) {
      const recorded = written[i]?.type === event.type ? (JSON.parse(written[i].data) as Record<string, unknown>) : {}
      for (const [field, value] of Object.entries(event.data as Record<string, unknown>))
        if (value === unknown[name] && typeof recorded[field] === 'number') ids[name] = recorded[field]
    }
  return ids
}
