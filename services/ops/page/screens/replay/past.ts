import { useState } from 'preact/hooks'
import { del, get } from '../../api.ts'
import { html } from '../../html.ts'
import { useLoaded } from '../../loaded.ts'
import { Age, Count, Moment } from '../../parts/numbers.ts'
import { Problem } from '../../parts/problem.ts'
import { type Column, Table } from '../../parts/table.ts'
import { Differences } from './differences.ts'
import type { Compared, PastView } from './types.ts'

interface Kept {
  most: number
  hours: number
  past: PastView[]
}

/** Kept past views: query, compare with now, drop. */
export function PastViews({ isOperator, on, changed }: { isOperator: boolean; on: string; changed(): void }) {
  const { value, error, reload } = useLoaded((signal) => get<Kept>('/api/past', signal), [on])
  const [failed, setFailed] = useState<Error>()
  const columns: readonly Column<PastView>[] = [
    {
      head: 'View as it was',
      cell: ({ id, view }) => html`<span><strong class="name">${view}</strong> <code>${id}</code></span>`,
    },
    { head: 'Position', isNumber: true, cell: ({ pos }) => html`<${Count} value=${pos} />` },
    { head: 'Moment', cell: ({ at }) => html`<${Moment} at=${at} why="asked for by its position" />` },
    { head: 'Rows', isNumber: true, cell: ({ rows }) => html`<${Count} value=${rows} />` },
    { head: 'Who', cell: ({ by, madeAt }) => html`<span>${by}, <${Age} at=${madeAt} suffix=" ago" /></span>` },
    ...(isOperator
      ? [
          {
            head: 'Act',
            cell: ({ id, view }: PastView) =>
              html`<button type="button" class="quiet" aria-label=${`Drop ${view} ${id}`} onClick=${() => del(`/api/past/${id}`).then(changed, setFailed)}>Drop</button>`,
          },
        ]
      : []),
  ]
  if (!error && value?.past.length === 0) return null
  return html`<${Problem} error=${error} reload=${reload} />
    ${failed && html`<${Problem} error=${failed} />`}
    ${
      value &&
      html`<${Table}
          caption="Views as they were"
          showCaption
          columns=${columns}
          rows=${value.past}
          keyOf=${({ id }: PastView) => id}
          detailsName=${({ id, view }: PastView) => `rows of ${view} ${id}`}
          details=${(past: PastView) => html`<${Details} past=${past} />`}
        />
        <p class="muted small">The newest ${value.most} are kept, for ${value.hours} hours.</p>`
    }`
}

function Details({ past: { id } }: { past: PastView }) {
  const [asked, setAsked] = useState({ column: '', value: '' })
  const [typed, setTyped] = useState(asked)
  const rows = useLoaded(
    (signal) =>
      get<{ rows: Record<string, unknown>[] }>(`/api/past/${id}/rows?${new URLSearchParams(asked.column ? asked : {})}`, signal),
    [id, asked],
  )
  const compared = useLoaded((signal) => get<Compared>(`/api/past/${id}/compare`, signal), [id])
  const input = (field: 'column' | 'value') => (e: InputEvent) =>
    setTyped({ ...typed, [field]: (e.target as HTMLInputElement).value })
  return html`<h3>Since then</h3>
    <${Problem} error=${compared.error} reload=${compared.reload} />
    ${compared.value && html`<${Differences} compared=${compared.value} sides=${['Now', 'Then']} words=${['gone since', 'changed', 'new since']} />`}
    <h3>Rows</h3>
    <form
      class="inline"
      onSubmit=${(event: Event) => {
        event.preventDefault()
        setAsked(typed)
      }}
    >
      <label>Column <input name="column" autocomplete="off" value=${typed.column} onInput=${input('column')} /></label>
      <label>is <input name="value" autocomplete="off" value=${typed.value} onInput=${input('value')} /></label>
      <button>Show</button>
    </form>
    <${Problem} error=${rows.error} reload=${rows.reload} />
    ${rows.value && html`<pre class="wrap">${rows.value.rows.map((row) => JSON.stringify(row)).join('\n') || 'no such row'}</pre>`}`
}
