import { count, plural } from '../../format.ts'
import { html } from '../../html.ts'
import { type Column, Table } from '../../parts/table.ts'
import type { Compared, ShownDifference } from './types.ts'

const text = (value: unknown) =>
  value === undefined || value === null ? '–' : typeof value === 'string' ? value : JSON.stringify(value)

/** Differing rows, both sides field by field; texts that people wrote are masked. */
export function Differences({
  compared,
  sides,
  words,
}: {
  compared: Compared
  sides: [string, string]
  words: [string, string, string]
}) {
  const { missing, extra, different, rows } = compared
  const total = missing + extra + different
  const [added, changed, removed] = words
  const columns: readonly Column<ShownDifference>[] = [
    { head: 'Row', cell: ({ id }) => html`<code>${id}</code>` },
    {
      head: 'What',
      cell: ({ live, replayed, fields }) =>
        live === null ? added : replayed === null ? removed : `${changed}: ${fields.join(', ')}`,
    },
    ...sides.map(
      (head, side): Column<ShownDifference> => ({
        head,
        class: 'wide',
        cell: ({ live, replayed, fields }) => {
          const row = side === 0 ? live : replayed
          return row === null
            ? '–'
            : html`<span class="bits">${fields.map((field) => html`<span class="wrap"><span class="muted">${field}</span> ${text(row[field])}</span>`)}</span>`
        },
      }),
    ),
  ]
  if (total === 0) return html`<p>${count(compared.live)} rows, all alike.</p>`
  return html`<p>
      <strong>${plural(missing, 'row')} ${added}</strong>, <strong>${count(different)} ${changed}</strong>, <strong>${count(extra)} ${removed}</strong>.
      ${total > rows.length && html`<span class="muted">The first ${rows.length} of them:</span>`}
    </p>
    <${Table} caption="Rows that differ" columns=${columns} rows=${rows} keyOf=${({ id }: ShownDifference) => id} />`
}
