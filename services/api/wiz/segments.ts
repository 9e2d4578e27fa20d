import { breather } from '#platform/breather.ts'
import { parseInSlices } from '#platform/http/json-slices.ts'

/** A line of speech at a moment of a video. */
export interface Segment {
  /** Seconds from the beginning. */
  offset: number
  /** On a single line. */
  text: string
}

/** The segments of a stored transcript, in its order. Rows without a text or a moment are left out. */
export const segmentsOf = (rows: readonly unknown[]): Segment[] =>
  rows.flatMap((row) => {
    const { offset, text } = (row ?? {}) as { offset?: unknown; text?: unknown }
    if (typeof offset !== 'number' || !Number.isFinite(offset) || typeof text !== 'string' || !text) return []
    return [{ offset: Math.max(0, offset), text: inOneLine(text) }]
  })

/** Matches each run of blanks once: a pattern that searches it for the line break would take quadratic time. */
const inOneLine = (text: string) =>
  /[\n\r]/.test(text) ? text.replace(/\s+/g, (blanks) => (/[\n\r]/.test(blanks) ? ' ' : blanks)) : text

/** A segment as the model reads it: `61:40 what is said`. */
export const lineOf = ({ offset, text }: Segment): string => `${clock(offset)} ${text}`

/** Minutes and seconds; hours are given as minutes. */
const clock = (seconds: number): string => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`

/** Parses a stored transcript (JSON text). Undefined when it is not a non-empty list of rows. */
export async function readTranscript(json: string): Promise<Segment[] | undefined> {
  try {
    const rows = await parseInSlices(json, { maxParts: Number.POSITIVE_INFINITY, pause: breather() })
    return Array.isArray(rows) && rows.length > 0 ? segmentsOf(rows) : undefined
  } catch {
    return undefined
  }
}
