/** An unbroken run of known values: an SVG path and the x positions where it begins and ends. */
export interface Line {
  path: string
  from: string
  to: string
}

interface Values {
  /** Time of each value, in any unit, the oldest first. */
  at: readonly number[]
  /** Null if unknown. */
  values: readonly (number | null)[]
  width: number
  height: number
}

/** Lines through the values, scaled from zero at the bottom to the highest value below the top, with gaps at unknown values. */
export function linesOf({ at, values, width, height }: Values): Line[] {
  const lines: Line[] = []
  const highest = highestOf(values)
  const first = at[0] ?? 0
  const span = (at.at(-1) ?? 0) - first || 1
  let line: Line | undefined
  values.forEach((value, i) => {
    if (value === null || !Number.isFinite(value)) {
      line = undefined
      return
    }
    const x = (((at[i]! - first) / span) * width).toFixed(1)
    const y = (height - 1 - (value / highest) * (height - 2)).toFixed(1)
    if (line) line.path += `L${x} ${y}`
    else {
      line = { path: `M${x} ${y}`, from: x, to: x }
      lines.push(line)
    }
    line.to = x
  })
  return lines
}

/** At least 1, so that a line of zeros lies at the bottom. */
export const highestOf = (values: readonly (number | null)[]): number =>
  values.reduce<number>((highest, value) => Math.max(highest, Number.isFinite(value) ? value! : 0), 1)
