import type { z } from 'zod'
import type { EventOf, NewEvent } from './envelope.ts'

/** A topic of the public log. The number of partitions is fixed for ever: adding some would break the order of keys. */
export interface Topic {
  name: string
  partitions: number
}

/** Lifts a payload of an older schema version to the next one. The type of a method, so that each may name the shape that it lifts. */
export type Upcast = { lift(older: unknown): unknown }['lift']

/** A type of event. Calling it with a payload makes an event that can be appended. */
export interface EventType<T extends string = string, S extends z.ZodType = z.ZodType> {
  (data: z.input<S>): NewEvent<T, z.output<S>>
  type: T
  schema: number
  topic: Topic
  data: S
  /** `upcasts[n]` lifts version n to n + 1. */
  upcasts: Record<number, Upcast>
}

/** The decoded event of an event type. */
export type EventFrom<E> = E extends EventType<infer T, infer S> ? EventOf<T, z.output<S>> : never

/** A kind of stream, for example the histories of notes. Each of its payloads holds at least `D`. */
// biome-ignore lint/suspicious/noExplicitAny: a kind of stream with any payloads
export interface StreamKind<D = any> {
  kind: string
  topic: Topic
  /** The stream of one thing: `noteStream.of(42)` is `note-42`. */
  of(id: string | number): string
  /**
   * Declares a type of event of this stream. When the payload changes, raise `schema` and add an upcast from the version before.
   */
  event<T extends string, S extends z.ZodType<D>>(
    type: T,
    schema: number,
    data: S,
    upcasts?: Record<number, Upcast>,
  ): EventType<T, S>
}

/**
 * Declares a kind of stream.
 *
 * @param kind the prefix of its streams' names
 * @param id picks the payload field that names the thing; `key` picks the one that decides its partition
 */
export function stream<D extends object>(
  kind: string,
  { topic, id, key }: { topic: Topic; id: (data: D) => string | number; key: (data: D) => string | number },
): StreamKind<D> {
  const of = (thing: string | number) => `${kind}-${thing}`
  return {
    kind,
    topic,
    of,
    event(type, schema, data, upcasts = {}) {
      const make = (input: z.input<typeof data>): NewEvent<typeof type, z.output<typeof data>> => {
        const payload = asWritten(data.parse(input))
        return { type, schema, topic: topic.name, key: String(key(payload)), stream: of(id(payload)), data: payload }
      }
      return Object.assign(make, { type, schema, topic, data, upcasts })
    },
  }
}

/** Removes undefined fields, as JSON does: a newly decided event then equals the same event read back. */
function asWritten<D extends object>(payload: D): D {
  for (const field in payload) if (payload[field] === undefined) delete payload[field]
  return payload
}

/** Whether an event is of one of these types. */
export const isOneOf = <const T extends readonly EventType[], E extends { type: string }>(
  types: T,
  event: E,
): event is Extract<E, { type: T[number]['type'] }> => types.some(({ type }) => type === event.type)

/**
 * Ends a switch over the event types of a stream or topic. It does not compile while a type has no case; a type that changes
 * nothing needs a case that says so.
 *
 * @throws Error always: code must not silently skip an event that it has no case for
 */
export function noCaseFor(event: never): never {
  throw new Error(`no case for events of type ${(event as { type: string }).type}`)
}

/** `evolve(state, event)`: pure, with a case for each type of event of the stream (see `noCaseFor`). */
export type Evolve<S, E> = (state: S | undefined, event: E) => S | undefined

/** Folds the history of one kind of stream into the state that its decisions use. */
// biome-ignore lint/suspicious/noExplicitAny: a decider of any state
export interface Decider<S = any> {
  stream: StreamKind
  /** Raise it when the shape of the state changes: snapshots of older versions are then ignored and folded again from events. */
  stateVersion: number
  /** Ids that commands on these streams draw. Each has a sequence, which `setup` makes; a name never changes. */
  ids: readonly string[]
  /** A method, so that each decider may name the events of its stream: it meets no others. */
  evolve(state: S | undefined, event: EventOf): S | undefined
  /** Names one stream of this kind, typed by its state. */
  of(id: string | number): StreamRef<S>
}

/** A stream and the decider that folds it. */
// biome-ignore lint/suspicious/noExplicitAny: a stream of any state
export interface StreamRef<S = any> {
  stream: string
  decider: Decider<S>
}

/** Declares the decider of a kind of stream. */
export function decider<S, E extends EventOf>(
  kind: StreamKind,
  stateVersion: number,
  evolve: Evolve<S, E>,
  { ids = [] }: { ids?: readonly string[] } = {},
): Decider<S> {
  const self: Decider<S> = {
    stream: kind,
    stateVersion,
    ids,
    evolve: evolve as Decider<S>['evolve'],
    of: (id) => ({ stream: kind.of(id), decider: self }),
  }
  return self
}

/** Finds the decider of a stream by its name. */
export function decidersByKind(deciders: readonly Decider[]): (stream: string) => Decider {
  const byKind = new Map(deciders.map((decider) => [decider.stream.kind, decider]))
  return (stream) => byKind.get(stream.slice(0, stream.indexOf('-')))!
}
