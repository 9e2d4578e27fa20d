import type { Row } from '../kit/transcripts.ts'

export interface WindowOptions {
  /** A row must begin within so many seconds of the moment, before it or after. */
  bufferSeconds: number
  /** How many rows on each side come along. */
  contextRows: number
}

/**
 * What is said around a moment, as `before [row] after`: the row that begins nearest to it, and its neighbours.
 * @throws Error when nothing begins near enough
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
