/** A number at a moment in milliseconds. */
export type Point = readonly [atMs: number, value: number]

/** With fewer points, or over a shorter time, there is no trend. */
const LEAST_POINTS = 4
const LEAST_SPAN_MS = 5_000
/** A change over the whole span counts as none below either of these: a number of events, and a part of the mean. */
const DEAD_EVENTS = 5
const DEAD_PART = 0.02

/** Slope of the line of best fit (least squares). @returns units per second; null when there are too few points to say */
export function slopeOf(points: readonly Point[]): number | null {
  if (points.length < LEAST_POINTS || spanMsOf(points) < LEAST_SPAN_MS) return null
  const first = points[0]![0]
  const n = points.length
  const meanT = points.reduce((sum, [t]) => sum + (t - first) / 1_000, 0) / n
  const meanV = points.reduce((sum, [, v]) => sum + v, 0) / n
  let above = 0
  let below = 0
  for (const [t, v] of points) {
    const dt = (t - first) / 1_000 - meanT
    above += dt * (v - meanV)
    below += dt * dt
  }
  return below > 0 ? above / below : null
}

/** The sign of the slope; small slopes count as 0. @returns null when it is too early to say */
export function trendOf(points: readonly Point[]): -1 | 0 | 1 | null {
  const slope = slopeOf(points)
  if (slope === null) return null
  const mean = points.reduce((sum, [, v]) => sum + v, 0) / points.length
  const change = (slope * spanMsOf(points)) / 1_000
  if (Math.abs(change) < Math.max(DEAD_EVENTS, DEAD_PART * mean)) return 0
  return change > 0 ? 1 : -1
}

export const spanMsOf = (points: readonly Point[]): number => (points.length > 1 ? points.at(-1)![0] - points[0]![0] : 0)
