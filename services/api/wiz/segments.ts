/** What is said at a moment of a video. */
export interface Segment {
  /** Seconds from the beginning. */
  offset: number
  /** One line. */
  text: string
}

/** The segments of a stored transcript, in its order. Rows without a text or a moment tell nothing about when, and are left out. */
export const segmentsOf = (rows: readonly unknown[]): Segment[] =>
  rows.flatMap((row) => {
    const { offset, text } = (row ?? {}) as { offset?: unknown; text?: unknown }
    if (typeof offset !== 'number' || !Number.isFinite(offset) || typeof text !== 'string' || !text) return []
    return [{ offset: Math.max(0, offset), text: text.replace(/\s*[\n\r]\s*/g, ' ') }]
  })

/** A segment as the model reads it: `61:40 what is said`. */
export const lineOf = ({ offset, text }: Segment): string => `${clock(offset)} ${text}`

/** Minutes and seconds; hours are minutes, too. */
const clock = (seconds: number): string => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`

/** The segments of a transcript as it is stored: JSON text. Undefined when it is no list of rows. */
export function readTranscript(json: string): Segment[] | undefined {
  try {
    const rows = JSON.parse(json)
    return Array.isArray(rows) && rows.length > 0 ? segmentsOf(rows) : undefined
  } catch {
    return undefined
  }
}
