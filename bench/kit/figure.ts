/** A measured value, what to compare it with, and its target: one line of the report. Plain data, stored in the baselines. */
export interface Figure {
  /** Unique within its benchmark, or at its length of log. */
  name: string
  /** The log, if the figure is one of several at growing lengths. */
  log?: LogSize
  value: number
  unit: string
  /** A ceiling or a peer in the same unit, measured in the same run unless its name says otherwise. */
  beside?: { what: string; value: number }
  /** Target for value ÷ beside, or for the value if there is no `beside`. */
  target?: Target
}

export interface LogSize {
  events: number
  streams: number
}

export type Target = { atLeast: number } | { atMost: number }

export const atLeast = (limit: number): Target => ({ atLeast: limit })
export const atMost = (limit: number): Target => ({ atMost: limit })

/** A benchmark, in a file of its own. */
export interface Benchmark {
  name: string
  /** Takes so long that it runs only when it is named. */
  isLong?: boolean
  /**
   * @param quick a tenth of the time: to check that it works, not for results
   */
  run(options: { quick: boolean }): Promise<Figure[]>
}

/** Results of a benchmark. */
export interface Report {
  benchmark: string
  /** Where it was measured. */
  machine: string
  figures: Figure[]
}

export const ratioOf = ({ value, beside }: Figure): number | undefined => beside && value / beside.value

/** Undefined without a target. */
export function isMet(figure: Figure): boolean | undefined {
  const { target, value } = figure
  const measured = ratioOf(figure) ?? value
  return target && ('atLeast' in target ? measured >= target.atLeast : measured <= target.atMost)
}
