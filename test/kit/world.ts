import { catalog, deciders } from '#events/catalog.ts'
import { decode } from '#events/kit/codec.ts'
import type { Command, Decision } from '#events/kit/command.ts'
import type { NewEvent, Recorded } from '#events/kit/envelope.ts'
import type { Decider, StreamRef } from '#events/kit/stream.ts'

/** Time of a world's first event: milliseconds since the epoch. */
export const BEGINNING = Date.UTC(2026, 0, 1)

/** Log and executor in memory, one command at a time: a model for testing decisions. */
export interface World {
  /** All events, as a log returns them. */
  readonly log: Recorded[]
  /** Advances by one second with each event. */
  now(): number
  append(events: readonly NewEvent[]): void
  state<S>(ref: StreamRef<S>): S | undefined
  /** Decides and appends. `ids`: values for sequences, instead of the next ones. */
  execute<R>(command: Command<R>, ids?: Record<string, number>): Decision<R>
}

/** Ids that have a sequence. */
const declared = new Set(deciders.flatMap(({ ids }) => ids))

/** Creates an empty world. */
export function world(): World {
  const log: Recorded[] = []
  const states = new Map<string, unknown>()
  const versions = new Map<string, number>()
  const drawn = new Map<string, number>()
  const reservations = new Map<string, string>()
  const counters = new Map<string, number>()

  const now = () => BEGINNING + log.length * 1000
  const state = <S>({ stream }: StreamRef<S>) => states.get(stream) as S | undefined

  const draw = (sequence: string) => {
    drawn.set(sequence, (drawn.get(sequence) ?? 0) + 1)
    return drawn.get(sequence)!
  }

  const append = (events: readonly NewEvent[]) => {
    const time = now()
    for (const event of events) {
      const version = (versions.get(event.stream) ?? 0) + 1
      versions.set(event.stream, version)
      const recorded = recordedAs(event, { version, pos: log.length + 1, time })
      log.push(recorded)
      states.set(event.stream, kept(deciderOf(event.stream).evolve(states.get(event.stream), decode(catalog, recorded) as never)))
    }
  }

  const execute = <R>(command: Command<R>, ids: Record<string, number> = {}): Decision<R> => {
    const reads = Object.fromEntries(Object.entries(command.reads).map(([name, ref]) => [name, state(ref)]))
    for (const id of command.ids) if (!declared.has(id)) throw new Error(`no decider declares the id ${id}: it has no sequence`)
    const draws = Object.fromEntries(command.ids.map((sequence) => [sequence, ids[sequence] ?? draw(sequence)]))
    const decision = command.decide(reads, { now: now(), ids: draws })
    if (decision.rejection) return decision
    const asked = (decision.reservations ?? []).map(({ kind, value, owner }) => ({ name: `${kind} ${value}`, owner }))
    if (asked.some(({ name, owner }) => owner !== null && reservations.has(name) && reservations.get(name) !== owner))
      return { rejection: command.taken }
    const counted = (decision.counts ?? []).map((count) => ({ ...count, value: (counters.get(count.name) ?? 0) + count.add }))
    const over = counted.find(({ value, bound }) => bound && value > bound.most)
    if (over) return { rejection: over.bound!.refused }
    for (const { name, owner } of asked) owner === null ? reservations.delete(name) : reservations.set(name, owner)
    for (const { name, value } of counted) counters.set(name, Math.max(value, 0))
    append(decision.events)
    return decision
  }

  return { log, now, append, state, execute }
}

/** An event with an envelope, as read from a log. */
export const recordedAs = (event: NewEvent, place: Partial<Omit<Recorded, 'data'>> = {}): Recorded => ({
  ...event,
  id: `00000000-0000-7000-8000-${String(place.pos ?? 1).padStart(12, '0')}`,
  partition: 0,
  version: 1,
  pos: 1,
  time: BEGINNING,
  actor: null,
  correlationId: null,
  causationId: null,
  traceparent: null,
  ...place,
  data: JSON.stringify(event.data),
})

/** The decider of a stream, by the prefix of its name. */
export const deciderOf = (stream: string): Decider => deciders.find(({ stream: { kind } }) => stream.startsWith(`${kind}-`))!

/** A state as it is stored: converted to JSON and back, and frozen. */
export const kept = (state: unknown): unknown =>
  state === undefined ? undefined : JSON.parse(JSON.stringify(state), (_, part) => Object.freeze(part))
