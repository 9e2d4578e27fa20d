import type { z } from 'zod'
import type { EventOf, Recorded, Replayed } from './envelope.ts'
import type { EventType } from './stream.ts'

export type EventErrorCode = 'UNKNOWN_TYPE' | 'UNKNOWN_SCHEMA' | 'BROKEN_PAYLOAD' | 'PRUNED'

/** A type of event in one schema version. */
export interface TypeVersion {
  topic: string
  type: string
  schema: number
}

/** An event in the log that cannot be read, or is no longer there. A consumer parks the event's stream instead of crashing. */
export class EventError extends Error {
  readonly code: EventErrorCode
  /** What the event is, when this code knows no such type or only lower schema versions of it: newer code may know it. */
  readonly unknown: TypeVersion | undefined
  constructor(code: EventErrorCode, message: string, unknown?: TypeVersion) {
    super(message)
    this.name = 'EventError'
    this.code = code
    this.unknown = unknown
  }
}

/** Every type of event, by name. */
export type Catalog = ReadonlyMap<string, EventType>

/**
 * Builds the catalog.
 *
 * @throws Error at start when two types share a name
 */
export function catalogOf(types: readonly EventType[]): Catalog {
  const catalog = new Map(types.map((type) => [type.type, type]))
  if (catalog.size !== types.length) throw new Error('two types of event share a name')
  return catalog
}

/** Reads an event back: with its payload as `payloadOf` gives it. @throws EventError as there */
export const decode = (catalog: Catalog, recorded: Recorded): EventOf<string, unknown> => ({
  ...recorded,
  data: payloadOf(catalog, recorded),
})

/**
 * The payload of an event: parsed, lifted to the newest schema version, checked.
 *
 * @throws EventError when the type or the schema version is unknown, or the payload is broken
 */
export function payloadOf(catalog: Catalog, recorded: Replayed): unknown {
  const type = catalog.get(recorded.type)
  if (type?.schema !== recorded.schema) assertKnown(type, recorded)
  const payload = lift(type, recorded, parse(recorded))
  const checked = type.data.safeParse(payload)
  if (!checked.success)
    throw new EventError('BROKEN_PAYLOAD', `${nameOf(recorded)}: ${recorded.type} v${recorded.schema}: ${issues(checked.error)}`)
  return checked.data
}

const nameOf = ({ stream, version }: Replayed) => `${stream}@${version}`

function assertKnown(type: EventType | undefined, recorded: Replayed): asserts type {
  const { topic, type: name, schema } = recorded
  const unknown = { topic, type: name, schema }
  if (!type) throw new EventError('UNKNOWN_TYPE', `${nameOf(recorded)}: no event is called ${name}`, unknown)
  if (!Number.isInteger(schema) || schema > type.schema)
    throw new EventError(
      'UNKNOWN_SCHEMA',
      `${nameOf(recorded)}: ${name} has schema version ${schema}, newest known is ${type.schema}`,
      unknown,
    )
}

function parse(recorded: Replayed): unknown {
  try {
    return JSON.parse(recorded.data)
  } catch {
    throw new EventError('BROKEN_PAYLOAD', `${nameOf(recorded)}: the payload of ${recorded.type} is not JSON`)
  }
}

function lift(type: EventType, recorded: Replayed, payload: unknown): unknown {
  let lifted = payload
  for (let version = recorded.schema; version < type.schema; version++) {
    const upcast = type.upcasts[version]
    if (!upcast)
      throw new EventError(
        'UNKNOWN_SCHEMA',
        `${nameOf(recorded)}: ${recorded.type} cannot be lifted from schema version ${version}`,
      )
    try {
      lifted = upcast(lifted)
    } catch {
      // The cause is left out: its message may quote the payload.
      throw new EventError('BROKEN_PAYLOAD', `${nameOf(recorded)}: ${recorded.type} v${version} could not be lifted`)
    }
  }
  return lifted
}

/** Names the fields, never their values: a payload may hold data that must not reach a log line. */
const issues = (error: z.ZodError) => error.issues.map((i) => `${i.path.join('.') || 'payload'} ${i.code}`).join(', ')
