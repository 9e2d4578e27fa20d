import { count } from '../format.ts'
import { html } from '../html.ts'
import { highestOf, linesOf } from './lines.ts'

const WIDTH = 1_000
const HEIGHT = 100

interface ChartProps {
  /** Text alternative for screen readers. */
  label: string
  /** Moments in seconds since the epoch, the oldest first. */
  at: readonly number[]
  /** One value for each moment; null if unknown. */
  values: readonly (number | null)[]
}

/** Line chart of a number over time, starting at zero, with gaps where it is unknown. */
export function Chart({ label, at, values }: ChartProps) {
  const [first = 0, last = 0] = [at[0], at.at(-1)]
  const highest = highestOf(values)
  const lines = linesOf({ at, values, width: WIDTH, height: HEIGHT })
  const clock = (second: number) => new Date(second * 1_000).toISOString().slice(11, 19)
  return html`<figure class="chart" role="img" aria-label=${`${label}: at most ${count(highest)}`}>
    <div class="scale number" aria-hidden="true"><span>${count(highest)}</span><span>0</span></div>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
      ${lines.map(({ path, from, to }) => html`<path class="area" d="${path}L${to} ${HEIGHT}L${from} ${HEIGHT}Z" />`)}
      ${lines.map(({ path }) => html`<path class="line" d=${path} />`)}
    </svg>
    <div class="scale number" aria-hidden="true">
      ${[first, (first + last) / 2, last].map((second) => html`<span>${clock(second)}</span>`)}
    </div>
  </figure>`
}
