import { catalog } from '#events/catalog.ts'
import { jsonSchemaOf } from '#events/kit/json-schema.ts'
import type { Topic } from '#events/kit/stream.ts'
import { ai, conversations, media, notes, ops, tasks, topics, users, videos } from '#events/topics.ts'
import { partitionOf } from '#platform/log/partitioner.ts'
import { OperatorError } from '#platform/operator-error.ts'
import type { Filter } from './filter.ts'

/** Partitions, by topic, that can contain matching events. The others need not be read. */
export type Places = readonly { topic: Topic; partitions: readonly number[] }[]

const shortName = (topic: Topic) => topic.name.replace('vidwiz.', '')

/**
 * The places to search for a filter.
 * @param name of a topic, as `vidwiz.notes` or `notes`; all topics, if not given
 * @throws OperatorError for an unknown topic, type or field, because waiting for its events would be in vain
 */
export function placesOf({ types = [], key, stream, where = [] }: Filter, name?: string): Places {
  const named = topics.filter((topic) => name === undefined || [topic.name, shortName(topic)].includes(name))
  if (named.length === 0) throw new OperatorError(`no topic is called ${name}: ${topics.map((one) => one.name).join(', ')}`)
  for (const type of types) if (!catalog.has(type)) throw new OperatorError(`no type of event is called ${type}`)
  for (const { path } of where) assertField(path)
  const ofTypes = new Set(types.map((type) => catalog.get(type)!.topic.name))
  const ofStream = stream === undefined ? undefined : topicOfStream(stream)
  return named
    .filter((topic) => (types.length === 0 || ofTypes.has(topic.name)) && (!ofStream || ofStream === topic.name))
    .map((topic) => ({
      topic,
      partitions: key === undefined ? [...Array(topic.partitions).keys()] : [partitionOf(key, topic.partitions)],
    }))
}

/** By kind of stream. */
const TOPICS: Record<string, Topic> = {
  user: users,
  video: videos,
  note: notes,
  task: tasks,
  conversation: conversations,
  ai,
  media,
  operation: ops,
}

/** The topic of a stream; undefined for an unknown kind, whose events may be in any topic. */
export const topicOfStream = (stream: string): string | undefined => {
  const [kind = ''] = stream.split('-')
  return Object.hasOwn(TOPICS, kind) ? TOPICS[kind]!.name : undefined
}

/** All field names that event types declare, and whether any field of that name is a text. */
const declared = fieldsOf([...catalog.values()].map((type) => jsonSchemaOf(type)))

/** A field by its path; undefined when no event type has these names. */
export const fieldOf = (path: readonly string[]): { isText: boolean } | undefined => {
  const found = path.map((name) => declared.get(name))
  const isOpen = found.findIndex((one) => one?.isOpen)
  // A map with arbitrary keys, such as languages, may contain any name.
  if (found.some((one, i) => one === undefined && !(isOpen >= 0 && isOpen < i))) return undefined
  return { isText: found.at(-1)?.isText ?? true }
}

function assertField(path: readonly string[]) {
  if (!fieldOf(path)) throw new OperatorError(`no event has a field ${path.join('.')}`)
}

interface Declared {
  isText: boolean
  isOpen: boolean
}

function fieldsOf(schemas: readonly unknown[]): Map<string, Declared> {
  const fields = new Map<string, Declared>()
  const look = (schema: unknown) => {
    if (typeof schema !== 'object' || schema === null) return
    const { properties } = schema as { properties?: Record<string, unknown> }
    for (const [name, field] of Object.entries(properties ?? {})) {
      const known = fields.get(name) ?? { isText: false, isOpen: false }
      const text = JSON.stringify(field)
      const isNumber = /"(integer|number|boolean)"/.test(text) && !/"(string|object|array|\$ref)"/.test(text)
      fields.set(name, { isText: known.isText || !isNumber, isOpen: known.isOpen || text.includes('"propertyNames"') })
    }
    for (const part of Object.values(schema)) look(part)
  }
  for (const schema of schemas) look(schema)
  return fields
}
