import { z } from 'zod'
import { catalog } from '#events/catalog.ts'
import { ACTS, OUTCOMES } from '#events/ops.ts'
import { views } from '#projections/index.ts'
import { UUID } from '#services/operations/uuid.ts'

/** Replaces a text that not everybody may read. A mask begins with this and tells the text's length. */
export const MASK = '•••'

/** True for a mask that replaces a text. */
export const isMask = (value: unknown): boolean => typeof value === 'string' && /^•••\(\d+\)$/.test(value)

const VIDEO = /^[\w-]{11}$/
const MOMENT = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?$/
const LANGUAGE = /^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?$/
const word = (...words: string[]) => new RegExp(`^(${words.join('|')})$`)
/** Of tasks, of requests to models, and of media jobs. */
const STATUSES = [
  ...['pending', 'claimed', 'completed', 'failed'],
  ...['awaited', 'requested', 'dispatched', 'answered', 'given-up', 'dropped'],
  ...['queued', 'processing', 'running', 'done', 'cancelled'],
]

/**
 * Texts that every viewer may see: ids, kinds and moments, without which no story can be followed. Each is shown only under its
 * field's name and only in a form that cannot be free text. Fields that are not listed are masked, including fields added later.
 */
const SHOWN: Record<string, RegExp> = {
  videoId: VIDEO,
  messageId: UUID,
  operation: UUID,
  eventId: UUID,
  request: /^(note-[1-9]\d*|summary-[\w-]{11})$/,
  viewer: /^(user-[1-9]\d*|guest-[\w-]{22})$/,
  kind: word('transcript', 'metadata', 'note', 'summary'),
  status: word(...STATUSES),
  origin: word('speech', 'text'),
  transcriptOrigin: word('speech', 'text'),
  transcriptLanguage: LANGUAGE,
  language: LANGUAGE,
  step: word('download', 'audio', 'transcript', 'study'),
  outcome: word(...OUTCOMES),
  act: word(...ACTS),
  via: word('page', 'cli', 'service'),
  role: word('user', 'assistant', 'model'),
  timestamp: /^(\d{1,3}:)?\d{1,2}:\d{2}$/,
  createdAt: MOMENT,
  updatedAt: MOMENT,
  requestedAt: MOMENT,
}

/** Views spell columns in snake_case; events spell the same fields in camelCase. */
const spelled = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** Field names that come from the code. Any other name in a payload may be text that a person wrote. */
const namesGiven = new Set([
  ...Object.keys(SHOWN),
  ...[...catalog.values()].flatMap(({ data }) => propertiesOf(z.toJSONSchema(data, { unrepresentable: 'any', io: 'input' }))),
  ...views.flatMap(({ columns }) => Object.keys(columns)),
])

/** All property names in a JSON Schema, at any depth. */
function propertiesOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  return Object.entries(schema).flatMap(([key, part]) => [
    ...(key === 'properties' ? Object.keys(part as object) : []),
    ...propertiesOf(part),
  ])
}

/**
 * Returns an event's payload or a view's row with its texts masked, for viewers. The shape, numbers, ids and kinds stay; each other
 * text becomes a mask of its length. Never throws, whatever the input.
 */
export function masked(data: unknown, name = ''): unknown {
  if (typeof data === 'string') return shown(name, data) ? data : maskOf(data)
  if (Array.isArray(data)) return data.map((one) => masked(one, name))
  if (typeof data !== 'object' || data === null) return data
  return Object.fromEntries(
    Object.entries(data).map(([key, value], i) =>
      namesGiven.has(key) ? [key, masked(value, key)] : [`${MASK}${i + 1}`, masked(value)],
    ),
  )
}

const shown = (name: string, text: string): boolean => {
  const key = spelled(name)
  return text === '' || (Object.hasOwn(SHOWN, key) && SHOWN[key]!.test(text))
}

const maskOf = (text: string): string => `${MASK}(${text.length})`
