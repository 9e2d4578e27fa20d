import { useState } from 'preact/hooks'
import { get } from '../api.ts'
import { duration } from '../format.ts'
import { html } from '../html.ts'
import { useLoaded } from '../loaded.ts'
import { Tag, type Tone } from '../parts/badge.ts'
import { Command } from '../parts/command.ts'
import { Age, Moment } from '../parts/numbers.ts'
import { Problem } from '../parts/problem.ts'
import { type Column, Table } from '../parts/table.ts'

interface Operation {
  operation: string
  act: string
  target: string
  who: string
  via: string
  command: string
  reason: string | null
  startedAt: number
  endedAt: number | null
  outcome: string | null
  summary: string | null
}

const TONES: Record<string, Tone> = { done: 'ok', failed: 'bad', cancelled: 'dim' }

const columns: readonly Column<Operation>[] = [
  {
    head: 'When',
    cell: ({ startedAt }) =>
      html`<span class="bits"><${Moment} at=${startedAt} /><span class="small muted"><${Age} at=${startedAt} suffix=" ago" /></span></span>`,
  },
  {
    head: 'Who',
    cell: ({ who, via }) =>
      html`<span class="bits"><span class="name">${who}</span><span class="small muted">by ${via}</span></span>`,
  },
  { head: 'What', cell: ({ act, target }) => html`<span><span class="name">${act}</span> ${target}</span>` },
  { head: 'Why', cell: ({ reason }) => reason ?? html`<span class="muted">no reason given</span>` },
  {
    head: 'Outcome',
    cell: ({ outcome, summary }) =>
      html`<span><${Tag} tone=${outcome === null ? 'busy' : (TONES[outcome] ?? 'dim')}>${outcome ?? 'runs, or was cut off'}<//> ${summary}</span>`,
  },
  {
    head: 'Took',
    isNumber: true,
    cell: ({ startedAt, endedAt }) =>
      endedAt === null ? html`<span class="muted">–</span>` : duration((endedAt - startedAt) / 1_000),
  },
]

/** Acts of operators: who, when, what, why, and the result. The newest first. */
export function OperationsScreen() {
  const [act, setAct] = useState('')
  const { value, error, isLoading, reload } = useLoaded(
    (signal) => get<{ operations: Operation[] }>(`/api/operations?limit=200${act && `&act=${encodeURIComponent(act)}`}`, signal),
    [act],
  )
  const acts = [
    ...['rebuild', 'dry-run', 'verify', 'as-of', 'drop-as-of', 'cancel', 'redrive', 'skip', 'reset', 'reveal'],
    ...['redrive-queue', 'redrive-requests', 'resume-helpers', 'relieve'],
  ]
  return html`<h1>Operations</h1>
    <div class="row">
      <label
        >Only
        <select value=${act} onChange=${(e: Event) => setAct((e.target as HTMLSelectElement).value)}>
          <option value="">all acts</option>
          ${acts.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
        </select></label
      >
      <button type="button" onClick=${reload} disabled=${isLoading}>Load again</button>
    </div>
    <${Problem} error=${error} reload=${reload} />
    <section class="card wrap">
      ${
        value === undefined
          ? html`<p class="muted">${isLoading ? 'Loading …' : ''}</p>`
          : html`<${Table}
              caption="What people did, the newest first"
              columns=${columns}
              rows=${value.operations}
              keyOf=${({ operation }: Operation) => operation}
              details=${({ command }: Operation) => html`<p>The same on the command line: <${Command} line=${command} /></p>`}
              detailsName=${({ act, target }: Operation) => `The command of ${act} ${target}`}
              empty="Nobody has done anything yet."
            />`
      }
    </section>`
}
