/** A row of a transcript as the API takes it; both numbers in seconds. */
export interface Row {
  text: string
  offset: number
  duration: number
}

/** Lines shown during an interval, in milliseconds. */
export interface Cue {
  lines: string[]
  startMs: number
  endMs: number
}

/** One row for each non-empty cue. */
export const rowsOf = (cues: readonly Cue[]): Row[] =>
  cues.flatMap(({ lines, startMs, endMs }) => {
    const text = lines.filter(Boolean).join(' ')
    return text ? [{ text, offset: startMs / 1000, duration: Math.max(0, endMs - startMs) / 1000 }] : []
  })
