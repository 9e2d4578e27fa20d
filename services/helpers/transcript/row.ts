/** A row of a transcript as the API takes it; both numbers in seconds. */
export interface Row {
  text: string
  offset: number
  duration: number
}

/** Some lines that are shown from one moment to another, in milliseconds. */
export interface Cue {
  lines: string[]
  startMs: number
  endMs: number
}

/** One row for each cue that says something. */
export const rowsOf = (cues: readonly Cue[]): Row[] =>
  cues.flatMap(({ lines, startMs, endMs }) => {
    const text = lines.filter(Boolean).join(' ')
    return text ? [{ text, offset: startMs / 1000, duration: Math.max(0, endMs - startMs) / 1000 }] : []
  })
