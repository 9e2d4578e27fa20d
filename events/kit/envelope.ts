/** What every event carries, on any log. */
export interface Envelope {
  /** UUIDv7, globally unique. */
  id: string
  type: string
  /** Schema version under which the payload was written. */
  schema: number
  topic: string
  partition: number
  /** Decides the partition; all events of one stream carry the same key. */
  key: string
  /** `<kind>-<id>`, for example `note-42`. */
  stream: string
  /** 1, 2, 3 … within the stream, without holes. */
  version: number
  /** Position in the one global, commit-ordered append order. */
  pos: number
  /** Milliseconds since the epoch. */
  time: number
  /** Who caused the event, for example `user-7`; null when no one in particular did. */
  actor: string | null
  /** The request (or other first cause) to which the event belongs. */
  correlationId: string | null
  /** Id of the event that caused this one, if one did. */
  causationId: string | null
  traceparent: string | null
}

/** An event as the log delivers it: the payload is still the JSON text that was written. */
export interface Recorded extends Envelope {
  data: string
}

/** Fields of the envelope that few folds use. */
export type RareField = 'id' | 'key' | 'actor' | 'correlationId' | 'causationId' | 'traceparent'

/** An event as a replay reads it: without the rare fields that no fold asked for. */
export type Replayed = Omit<Recorded, RareField>

/**
 * What a fold sees of an event: of the rare fields only `U`, and no stream. In a replay the stream is a substring, and a row that kept
 * it would keep the large text from which it was cut. Distributes over a union of events.
 */
export type Foldable<E extends Envelope = Recorded, U extends RareField = never> = E extends unknown
  ? Omit<E, 'stream' | Exclude<RareField, U>>
  : never

/** A decoded event: the payload is parsed, lifted to the newest schema version and validated. */
export type EventOf<T extends string = string, D = unknown> = Envelope & { type: T; data: D }

/** An event that has been decided but not yet appended. */
export interface NewEvent<T extends string = string, D = unknown> {
  type: T
  schema: number
  topic: string
  key: string
  stream: string
  data: D
}
