import { html } from '../html.ts'
import { linesOf } from './lines.ts'

const WIDTH = 80
const HEIGHT = 20

/** Sparkline of the last minute. Hidden from screen readers: the row says the same in words. */
export function Spark({ values }: { values: readonly (number | null)[] }) {
  const lines = linesOf({ at: values.map((_, i) => i), values, width: WIDTH, height: HEIGHT })
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true" preserveAspectRatio="none">
    <path d=${lines.map(({ path }) => path).join('')} />
  </svg>`
}
