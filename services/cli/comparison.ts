import { type Comparison, isClean } from '#projections/engine/compare.ts'

const count = (n: number) => n.toLocaleString('en')

/** A comparison for people: one line when nothing differs, else counts and the first differing rows, both sides. */
export function describeComparison(view: string, comparison: Comparison): string {
  const { live, replayed, missing, extra, different, columns, rows } = comparison
  if (isClean(comparison) && columns.added.length + columns.removed.length === 0)
    return `${view}: ${count(live)} rows, all equal to their replay`
  const lines = [
    `${view}: ${count(live)} live rows, ${count(replayed)} replayed: ${count(different)} differ, ${count(missing)} only in the replay, ${count(extra)} only live`,
  ]
  if (columns.added.length > 0) lines.push(`  new columns: ${columns.added.join(', ')}`)
  if (columns.removed.length > 0) lines.push(`  columns no longer there: ${columns.removed.join(', ')}`)
  for (const { id, live, replayed } of rows)
    lines.push(`  ${id}`, `    live     ${JSON.stringify(live)}`, `    replayed ${JSON.stringify(replayed)}`)
  const more = different + missing + extra - rows.length
  if (more > 0) lines.push(`  … and ${count(more)} more`)
  return lines.join('\n')
}
