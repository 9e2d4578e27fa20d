import type { Figure, LogSize } from './figure.ts'
import { aligned, shown } from './report.ts'
import { EVENTS_PER_STREAM } from './seed.ts'

/** A figure of a log of some length. */
export type Grown = Figure & { log: LogSize }

export const isGrown = (figure: Figure): figure is Grown => figure.log !== undefined

/** Costs by length of log, with the growth of each per tenfold length. Logs with other numbers of streams follow. */
export function growthTable(figures: readonly Grown[]): string {
  const logs = [...new Map(figures.map(({ log }) => [nameOf(log), log])).values()]
  const [lengths, variants] = [logs.filter(isOfSeries), logs.filter((log) => !isOfSeries(log))]
  const cell = (name: string, log: LogSize) =>
    shown(figures.find((figure) => figure.name === name && nameOf(figure.log) === nameOf(log))?.value)
  const rows = costsOf(figures).map(({ name, unit, series }) => [
    `${name}, ${unit}`,
    ...lengths.map((log) => cell(name, log)),
    series.length > 1 ? `× ${perTenfold(series).toFixed(2)}` : '',
    ...variants.map((log) => cell(name, log)),
  ])
  return aligned([['cost', ...lengths.map(nameOf), 'per tenfold', ...variants.map(nameOf)], ...rows])
}

/** The log-log plot of all costs, each relative to its value at the shortest log, as SVG for white and for dark pages. */
export function growthPlot(figures: readonly Grown[]): string {
  const lines = costsOf(figures).map(({ name, series }) => ({
    name,
    points: series.map(({ log, value }) => ({ x: Math.log10(log.events), y: Math.log10(value / series[0]!.value) })),
  }))
  const all = lines.flatMap(({ points }) => points)
  const [left, right] = [Math.min(...all.map(({ x }) => x)), Math.max(...all.map(({ x }) => x))]
  // At least a factor of ten both ways, so that noise looks like noise.
  const low = Math.floor(Math.min(-1, ...all.map(({ y }) => y)))
  const high = Math.ceil(Math.max(1, ...all.map(({ y }) => y)))
  const xOf = (x: number) => (70 + ((x - left) / (right - left || 1)) * 430).toFixed(1)
  const yOf = (y: number) => (340 - ((y - low) / (high - low)) * 310).toFixed(1)
  const ticks = (from: number, to: number) =>
    Array.from({ length: Math.floor(to) - Math.ceil(from) + 1 }, (_, i) => Math.ceil(from) + i)
  const labels = apart(
    lines.map(({ points }) => Number(yOf(points.at(-1)!.y))),
    15,
    340,
  )
  const drawn = [
    ...ticks(low, high).map(
      (y) =>
        `<path class="grid" d="M70 ${yOf(y)}H500"/><text x="62" y="${yOf(y)}" dy="4" text-anchor="end">× ${Number((10 ** y).toPrecision(1))}</text>`,
    ),
    ...ticks(left, right).map(
      (x) =>
        `<path class="grid" d="M${xOf(x)} 30V340"/><text x="${xOf(x)}" y="358" text-anchor="middle">${short(10 ** x)}</text>`,
    ),
    // What a cost does that grows with the log.
    `<path class="linear" d="M${xOf(left)} ${yOf(0)}L${xOf(Math.min(right, left + high))} ${yOf(Math.min(high, right - left))}"/>`,
    ...lines.map(({ name, points }, i) => {
      const color = COLORS[i % COLORS.length]
      const path = points.map(({ x, y }) => `${xOf(x)} ${yOf(y)}`).join('L')
      const dots = points.map(({ x, y }) => `<circle cx="${xOf(x)}" cy="${yOf(y)}" r="3" fill="${color}"/>`).join('')
      return `<path d="M${path}" stroke="${color}"/>${dots}<text x="510" y="${labels[i]!.toFixed(1)}" dy="4" style="fill:${color}">${name}</text>`
    }),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 390" role="img" aria-label="Growth of costs with the length of the log">
<style>
text { font: 12px sans-serif; fill: #808080 }
path { fill: none; stroke-width: 2 }
.grid { stroke: #808080; stroke-width: 1; opacity: .3 }
.linear { stroke: #808080; stroke-width: 1; stroke-dasharray: 4 4 }
</style>
${drawn.join('\n')}
<text x="285" y="380" text-anchor="middle">events in the log</text>
<text x="70" y="16">cost ÷ cost at ${short(10 ** left)} events; dashed: as the log</text>
</svg>
`
}

/** Of middling brightness: they stand out from white and from black. */
const COLORS = ['#d9534f', '#2e86de', '#27a567', '#c77d0a', '#9b6dd6', '#16a3b8', '#d6589f', '#7f8c1f', '#a0734c']

/** Every cost with its figures from the shortest log to the longest, without logs of other numbers of streams. */
const costsOf = (figures: readonly Grown[]) =>
  [...Map.groupBy(figures, ({ name }) => name)].map(([name, own]) => ({
    name,
    unit: own[0]!.unit,
    series: own.filter(({ log }) => isOfSeries(log)).sort((a, b) => a.log.events - b.log.events),
  }))

const isOfSeries = ({ events, streams }: LogSize) => streams === Math.round(events / EVENTS_PER_STREAM)

function perTenfold(series: readonly Grown[]): number {
  const [first, last] = [series[0]!, series.at(-1)!]
  return (last.value / first.value) ** (1 / Math.log10(last.log.events / first.log.events))
}

export const nameOf = ({ events, streams }: LogSize): string => `${short(events)} in ${short(streams)} streams`

const short = (n: number) => (n >= 1_000_000 ? `${n / 1_000_000}M` : n >= 1_000 ? `${n / 1_000}k` : String(Math.round(n)))

/** Moves heights of labels until no two are closer than `gap` and none is below `bottom`; keeps the order of the heights. */
function apart(heights: readonly number[], gap: number, bottom: number): number[] {
  const moved = [...heights]
  const order = heights.map((_, i) => i).sort((a, b) => heights[a]! - heights[b]!)
  let last = Number.NEGATIVE_INFINITY
  for (const [rank, i] of order.entries()) {
    const lowest = bottom - gap * (order.length - 1 - rank)
    moved[i] = Math.min(Math.max(heights[i]!, last + gap), lowest)
    last = moved[i]
  }
  return moved
}
