import type { Row } from '../kit/transcripts.ts'

export interface WindowOptions {
  /** A row must begin within this many seconds before or after the moment. */
  bufferSeconds: number
  /** Number of rows to include on each side. */
  contextRows: number
}

/**
 * Text around a moment, as `before [row] after`: the row that begins nearest to it, with its neighbours.
 * @throws Error when no row begins near enough
 */
export function windowAt(rows: readonly Row[], seconds: number, { bufferSeconds, contextRows }: WindowOptions): string {
  const distance = ({ offset }: Row) => (offset === undefined ? Number.POSITIVE_INFINITY : Math.abs(offset - seconds))
  const nearest = rows.reduce((best, row, index) => (distance(row) < distance(rows[best]!) ? index : best), 0)
  if (rows.length === 0 || distance(rows[nearest]!) > bufferSeconds)
    throw new Error(`nothing is said within ${bufferSeconds} s of the note`)
  const said = (from: number, to: number) => rows.slice(Math.max(0, from), to).map(({ text }) => text)
  const before = said(nearest - contextRows, nearest)
  const after = said(nearest + 1, nearest + 1 + contextRows)
  return [...before, `[${rows[nearest]!.text}]`, ...after].join(' ')
}
