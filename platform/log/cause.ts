import { typeOf } from './error-type.ts'

/** Why an event could not be handled, in a form that lets equal causes be counted. */
export interface Cause {
  /** The error's message, unchanged. May quote the payload: show it only to people who may see payloads. */
  message: string
  /** Type of the error, for example `EventError UNKNOWN_TYPE`, `Postgres 22P05 untranslatable_character`, `TypeError`. */
  error: string
  /** Line of our code that threw, for example `projections/notes.ts:61`; null when the stack has no line of ours. */
  place: string | null
  /** The message without what differs from event to event: no numbers, no quoted text, no text of the payload. */
  pattern: string
}

/** The project's folder, as stack frames name it. */
const ROOT = new URL('../../', import.meta.url).href

/**
 * The cause behind an error. Pure. Type and place are those of the innermost wrapped error, not of the errors around it.
 * @param data the payload of the event, as JSON: none of its texts gets into the pattern
 */
export function causeOf(error: unknown, data?: string, root = ROOT): Cause {
  const chain = chainOf(error)
  const innermost = chain.at(-1)
  const message = reason(error)
  return {
    message,
    error: typeOf(innermost),
    place: chain.reduceRight<string | null>((place, one) => place ?? placeOf(one, root), null),
    pattern: patternOf(message, data),
  }
}

/** A cause as one sentence, without any text of the payload. */
export const shownCause = ({ error, place, pattern }: { [K in 'error' | 'place' | 'pattern']: string | null }): string =>
  [[error ?? 'cause not kept', place].filter(Boolean).join(' at '), pattern].filter(Boolean).join(': ')

/** An error's message in a form that Postgres can store: without NUL characters. */
export const reason = (error: unknown) => (error instanceof Error ? error.message : String(error)).replaceAll('\0', '')

/** Bounds the walk, because an error may name itself as its cause. Real chains are shorter. */
const MOST_WRAPPINGS = 8

/** The error and those that it wraps, the innermost last. */
function chainOf(error: unknown): unknown[] {
  const chain = [error]
  for (let at = error; chain.length < MOST_WRAPPINGS && at instanceof Error && at.cause instanceof Error; at = at.cause)
    chain.push(at.cause)
  return chain
}

/** Every statement runs through this file, so its frame does not tell which one failed. */
const PASSED_OVER = /^platform\/pg\/pool\.ts:/

/** The first stack frame inside the project, as `path:line`. */
function placeOf(error: unknown, root: string): string | null {
  if (!(error instanceof Error)) return null
  const path = root.replace(/^file:\/\//, '')
  for (const frame of (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))) {
    const from = [root, path].map((folder) => [frame.indexOf(folder), folder.length] as const).find(([at]) => at >= 0)
    if (!from) continue
    const [place] = /^[\w./-]+:\d+/.exec(frame.slice(from[0] + from[1])) ?? []
    if (place && !place.startsWith('node_modules/') && !PASSED_OVER.test(place)) return place
  }
  return null
}

const MOST_CHARS = 200
/** Shorter texts also occur inside ordinary words, so they are not replaced. */
const LEAST_TEXT = 3

/** A message without what differs from event to event, so that equal causes read alike. */
export function patternOf(message: string, data?: string): string {
  let pattern = message.slice(0, 10 * MOST_CHARS)
  for (const text of textsIn(data)) if (pattern.includes(text)) pattern = pattern.replaceAll(text, '…')
  return pattern
    .replace(/\b[a-z]+(-[a-z]+)*-[^\s@]+@\d+/g, '<stream>')
    .replace(/"[^"]*"|'[^']*'|`[^`]*`|“[^”]*”/g, '"…"')
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '#')
    .replace(/\d+/g, '#')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MOST_CHARS)
}

/** The texts of a payload, the longest first, because a short one may be part of a longer one. */
function textsIn(data: string | undefined): string[] {
  if (data === undefined) return []
  const texts = new Set<string>()
  const walk = (value: unknown): void => {
    if (typeof value === 'string' && value.length >= LEAST_TEXT) texts.add(value)
    else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) walk(part)
  }
  try {
    walk(JSON.parse(data))
  } catch {
    // Not JSON: it has no texts to replace.
  }
  return [...texts].sort((a, b) => b.length - a.length)
}
