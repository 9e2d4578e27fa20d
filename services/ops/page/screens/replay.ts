import { useState } from 'preact/hooks'
import { get } from '../api.ts'
import { html } from '../html.ts'
import { useLoaded } from '../loaded.ts'
import { Age, Count } from '../parts/numbers.ts'
import { Problem } from '../parts/problem.ts'
import { type Column, Table } from '../parts/table.ts'
import type { ScreenProps } from './props.ts'
import { AsOf, Rebuild, Reset, start } from './replay/acts.ts'
import { PastViews } from './replay/past.ts'
import { History, Replay } from './replay/runs.ts'
import type { Replays, ViewNow } from './replay/types.ts'

/** Starts, shows and lists replays: dry runs, rebuilds, comparisons, past views and resets. */
export function ReplayScreen({ rest, who, look }: ScreenProps) {
  const isOperator = who.role === 'operator'
  const [dialog, setDialog] = useState<{ is: 'rebuild' | 'as-of'; view: string } | { is: 'reset'; consumer: string }>()
  const [times, setTimes] = useState(0)
  const [failed, setFailed] = useState<Error>()
  const changed = () => setTimes((n) => n + 1)
  // The look tells which replays run: reload the list when that changes.
  const running = look && 'value' in look.replays ? look.replays.value?.map(({ id }) => id).join() : undefined
  const { value, error, reload } = useLoaded((signal) => get<Replays>('/api/replays', signal), [times, running])
  const begin = (act: 'dry-run' | 'verify', view: string) => {
    setFailed(undefined)
    start(view, { act }).then(changed, setFailed)
  }

  const columns: readonly Column<ViewNow>[] = [
    { head: 'View', cell: ({ view }) => html`<strong class="name">${view}</strong>` },
    { head: 'From', cell: ({ topic }) => html`<span class="muted">${topic}</span>` },
    {
      head: 'Live version',
      isNumber: true,
      cell: ({ liveVersion, version }) =>
        html`<span class="bits"><${Count} value=${liveVersion} why="never built" />${liveVersion !== version && html`<span class="small">this code knows ${version}</span>`}</span>`,
    },
    { head: 'Built', isNumber: true, cell: ({ builtAt }) => html`<${Age} at=${builtAt} suffix=" ago" /> ` },
    ...(isOperator
      ? [
          {
            head: 'Act',
            cell: ({ view }: ViewNow) => html`<span class="row">
              <button type="button" onClick=${() => begin('dry-run', view)} aria-label=${`Dry run of ${view}`}>Dry run</button>
              <button type="button" onClick=${() => setDialog({ is: 'rebuild', view })} aria-label=${`Rebuild ${view}`}>Rebuild …</button>
              <button type="button" class="quiet" onClick=${() => begin('verify', view)} aria-label=${`Verify ${view}`}>Verify</button>
              <button type="button" class="quiet" onClick=${() => setDialog({ is: 'as-of', view })} aria-label=${`${view} as of …`}>As of …</button>
            </span>`,
          },
        ]
      : []),
  ]
  const close = () => {
    setDialog(undefined)
    changed()
  }
  const consumers = [
    ...new Set(
      (look && 'value' in look.consumers ? (look.consumers.value ?? []) : [])
        .filter(({ kind }) => kind === 'reactor' || kind === 'bridge')
        .map(({ consumer }) => consumer),
    ),
  ]

  return html`<h1>Replay</h1>
    <${Problem} error=${error} reload=${reload} />
    ${failed && html`<${Problem} error=${failed} />`}
    ${rest && html`<${Replay} id=${rest} isOperator=${isOperator} on=${times} changed=${changed} />`}
    ${
      value &&
      html`<${Table} caption="Views" columns=${columns} rows=${value.views} keyOf=${({ view }: ViewNow) => view} />
        ${
          isOperator &&
          consumers.length > 0 &&
          html`<p class="row">
            <span>Let a reactor or a bridge continue from another position:</span>
            ${consumers.map((consumer) => html`<button type="button" class="quiet" onClick=${() => setDialog({ is: 'reset', consumer })}>Reset ${consumer} …</button>`)}
          </p>`
        }
        <${PastViews} isOperator=${isOperator} on=${`${times} ${running}`} changed=${changed} />
        <${History} replays=${value.replays} look=${look} isOperator=${isOperator} changed=${changed} />`
    }
    ${dialog?.is === 'rebuild' && html`<${Rebuild} view=${dialog.view} close=${close} />`}
    ${dialog?.is === 'as-of' && html`<${AsOf} view=${dialog.view} close=${close} />`}
    ${dialog?.is === 'reset' && html`<${Reset} consumer=${dialog.consumer} close=${close} />`}`
}
