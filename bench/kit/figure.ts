/** What was measured, beside what, and how good it ought to be: one line of the report. Plain data, kept as the baseline. */
export interface Figure {
  /** Unique within its benchmark. */
  name: string
  value: number
  unit: string
  /** A ceiling or a peer in the same unit, measured in the same run unless its name says otherwise. */
  beside?: { what: string; value: number }
  /** Of value ÷ beside, or of the value itself where it stands alone. */
  target?: Target
}

export type Target = { atLeast: number } | { atMost: number }

export const atLeast = (limit: number): Target => ({ atLeast: limit })
export const atMost = (limit: number): Target => ({ atMost: limit })

/** A subject, measured by one file. */
export interface Benchmark {
  name: string
  /** @param quick a tenth of the time: to see that it works, not to quote */
  run(options: { quick: boolean }): Promise<Figure[]>
}

/** The figures that a benchmark gave. */
export interface Report {
  benchmark: string
  figures: Figure[]
}

export const ratioOf = ({ value, beside }: Figure): number | undefined => beside && value / beside.value

/** Undefined where there is no target. */
export function isMet(figure: Figure): boolean | undefined {
  const { target, value } = figure
  const measured = ratioOf(figure) ?? value
  return target && ('atLeast' in target ? measured >= target.atLeast : measured <= target.atMost)
}
