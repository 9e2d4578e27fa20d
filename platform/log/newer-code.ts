import { type Catalog, EventError, type TypeVersion } from '#events/kit/codec.ts'
import { codeOf, READ_ONLY } from '../pg/errors.ts'
import type { Queryable } from '../pg/pool.ts'
import { NewerCode } from './port.ts'

const KNOWN = `
  select n.topic, n.type, n.schema from log.event_types
    join unnest($1::text[], $2::text[], $3::bigint[]) n(topic, type, schema) using (topic, type, schema)`

const REGISTER = `
  insert into log.event_types (topic, type, schema) select * from unnest($1::text[], $2::text[], $3::int[]) on conflict do nothing`

/** No right to write, a read-only session, or tables that `setup` has not made yet. */
const CANNOT = ['42501', READ_ONLY, '42P01']

const isUnable = (error: unknown) => CANNOT.includes(codeOf(error) ?? '')

const parametersOf = (types: readonly TypeVersion[]) => [
  types.map(({ topic }) => topic),
  types.map(({ type }) => type),
  types.map(({ schema }) => schema),
]

/** Those of the types that the code of some process knows. */
const registered = (db: Queryable, types: readonly TypeVersion[]) =>
  db.query<TypeVersion>('types.known', KNOWN, parametersOf(types))

/**
 * Registers the types of event that this code knows. Call it before the first append: older code then leaves such an event to newer
 * code, instead of parking it as one that nobody knows.
 *
 * @param onUnable called when this process may not write the table
 */
export async function registerTypes(
  db: Queryable,
  catalog: Catalog,
  onUnable: (error: unknown) => void = () => {},
): Promise<void> {
  const types = [...catalog.values()].flatMap(({ topic, type, schema }) =>
    Array.from({ length: schema }, (_, i): TypeVersion => ({ topic: topic.name, type, schema: i + 1 })),
  )
  try {
    // Nearly always all are there; then a role that may only read can start too.
    if ((await registered(db, types)).length < types.length) await db.query('types.register', REGISTER, parametersOf(types))
  } catch (error) {
    if (!isUnable(error)) throw error
    onUnable(error)
  }
}

/** What the event is that could not be read, when newer code may know it. */
export function unknownIn(error: unknown): TypeVersion | undefined {
  for (let one = error; one instanceof Error; one = one.cause) if (one instanceof EventError) return one.unknown
  return undefined
}

/** Returns a test for the types that newer code knows. Asks the database at most once; of a role that may not ask, none are known. */
export async function ofNewerCode(db: Queryable, types: readonly TypeVersion[]): Promise<(type: TypeVersion) => boolean> {
  const unknown = new Map(types.filter(({ schema }) => Number.isSafeInteger(schema)).map((type) => [keyOf(type), type]))
  if (unknown.size === 0) return () => false
  const known = await registered(db, [...unknown.values()]).catch((error): TypeVersion[] => {
    if (!isUnable(error)) throw error
    return []
  })
  const keys = new Set(known.map(keyOf))
  return (type) => keys.has(keyOf(type))
}

/**
 * Does nothing unless the error is about an event of newer code.
 * @throws NewerCode if it is
 */
export async function leaveToNewerCode(db: Queryable, consumer: string, error: Error): Promise<void> {
  const unknown = unknownIn(error)
  if (unknown && (await ofNewerCode(db, [unknown]))(unknown)) throw new NewerCode(consumer, error.message)
}

const keyOf = ({ topic, type, schema }: TypeVersion) => `${topic} ${type} ${schema}`
