import { type Figure, isMet, type Report, ratioOf } from './figure.ts'

const HEAD = ['benchmark', 'figure', 'measured', 'beside', 'ratio', 'target', 'met']

/** All figures as an aligned Markdown table. @param before an earlier run, whose ratios are shown too */
export function table(reports: readonly Report[], before?: readonly Report[]): string {
  const head = before ? [...HEAD, 'ratio before'] : HEAD
  const ratioBefore = (benchmark: string, name: string) => {
    const figure = before?.find((report) => report.benchmark === benchmark)?.figures.find((figure) => figure.name === name)
    return shown(figure && ratioOf(figure))
  }
  const rows = reports.flatMap(({ benchmark, figures }) =>
    figures.map((figure) => [benchmark, figure.name, ...cells(figure), ...(before ? [ratioBefore(benchmark, figure.name)] : [])]),
  )
  return aligned([head, ...rows])
}

/** Rows as an aligned Markdown table; the first is the head. */
export function aligned([head, ...rows]: readonly string[][]): string {
  const widths = head!.map((_, i) => Math.max(...[head!, ...rows].map((row) => row[i]!.length)))
  const line = (row: string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`
  return [line(head!), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

function cells(figure: Figure): string[] {
  const { value, unit, beside, target } = figure
  const met = isMet(figure)
  return [
    `${shown(value)} ${unit}`,
    beside ? `${beside.what}: ${shown(beside.value)}` : '',
    shown(ratioOf(figure)),
    target ? ('atLeast' in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`) : '',
    met === undefined ? '' : met ? 'yes' : '**no**',
  ]
}

/** Three significant digits. */
export const shown = (value: number | undefined): string =>
  value === undefined ? '' : value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))

/** Replaces reports of `before` by those of the same benchmark in `after`, in the order of `names`. */
export const merged = (names: readonly string[], before: readonly Report[], after: readonly Report[]): Report[] =>
  names.flatMap((name) => [...after, ...before].find(({ benchmark }) => benchmark === name) ?? [])

/** One line for each machine, with the benchmarks that were measured there. */
export const machinesOf = (reports: readonly Report[]): string =>
  [...Map.groupBy(reports, ({ machine }) => machine)]
    .map(([machine, of]) => `- ${machine}: ${of.map(({ benchmark }) => benchmark).join(', ')}`)
    .join('\n')

/** Replaces the text between the markers of a part of a page. @throws Error when the page has no such part */
export function withPart(page: string, part: string, text: string): string {
  const [opening, closing] = [`<!-- ${part} -->`, `<!-- /${part} -->`]
  const [begin, end] = [page.indexOf(opening), page.indexOf(closing)]
  if (begin < 0 || end < begin) throw new Error(`the page has no ${opening} … ${closing}`)
  return `${page.slice(0, begin + opening.length)}\n\n${text}\n\n${page.slice(end)}`
}
