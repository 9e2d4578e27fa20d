/** What travels with every event, whichever log carries it. */
export interface Envelope {
  /** UUIDv7, unique for ever. */
  id: string
  type: string
  /** Schema version of the payload as it was written. */
  schema: number
  topic: string
  partition: number
  /** Decides the partition; all events of one stream carry the same key. */
  key: string
  /** `<kind>-<id>`, for example `note-42`. */
  stream: string
  /** 1, 2, 3 … within the stream, without holes. */
  version: number
  /** Place in the one global, commit-ordered append order. */
  pos: number
  /** Milliseconds since the epoch. */
  time: number
  /** Who caused it, for example `user-7`, or null when nobody in particular did. */
  actor: string | null
  /** The request (or other first cause) that the event belongs to. */
  correlationId: string | null
  /** Id of the event that caused this one, if one did. */
  causationId: string | null
  traceparent: string | null
}

/** An event as a log hands it over: the payload is still the JSON text that was written. */
export interface Recorded extends Envelope {
  data: string
}

/** An event read back: payload parsed, lifted to the newest schema version and checked. */
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
