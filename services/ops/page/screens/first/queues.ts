import { useState } from 'preact/hooks'
import type { Look, QueueLook } from '../../../../operations/look.ts'
import { html } from '../../html.ts'
import { Tag } from '../../parts/badge.ts'
import { Count, Duration } from '../../parts/numbers.ts'
import { Problem } from '../../parts/problem.ts'
import { type Column, Table } from '../../parts/table.ts'
import { RedriveQueue } from './acts.ts'

/** The queues and their dead-letter queues. */
export function Queues({ look, isOperator }: { look: Look; isOperator: boolean }) {
  const { value, problem } = look.queues
  const [redriving, redrive] = useState<string>()
  const columns: readonly Column<QueueLook>[] = [
    {
      head: 'Queue',
      cell: ({ queue, problem }) =>
        html`<span class="bits"><span class="name">${queue}</span>${problem && html`<span class="said warn">${problem}</span>`}</span>`,
    },
    {
      head: 'Waiting',
      isNumber: true,
      cell: ({ visible, problem }) => html`<${Count} value=${problem ? null : visible} why=${problem} />`,
    },
    {
      head: 'In work',
      isNumber: true,
      cell: ({ inFlight, problem }) => html`<${Count} value=${problem ? null : inFlight} why=${problem} />`,
    },
    {
      head: 'Later',
      isNumber: true,
      cell: ({ delayed, problem }) => html`<${Count} value=${problem ? null : delayed} why=${problem} />`,
    },
    {
      head: 'Oldest',
      isNumber: true,
      cell: ({ oldestSeconds, visible, problem }) =>
        !problem && visible === 0
          ? html`<span class="muted">none</span>`
          : html`<${Duration} seconds=${oldestSeconds} why=${problem ?? 'the queue does not tell'} />`,
    },
    {
      head: 'Given up',
      isNumber: true,
      cell: ({ queue, dead, problem }) =>
        problem || dead === 0
          ? html`<${Count} value=${problem ? null : dead} why=${problem} />`
          : html`<span class="bits"><${Tag} tone="warn">${dead}<//>${isOperator && html`<button type="button" onClick=${() => redrive(queue)} aria-label=${`Redrive what ${queue} gave up`}>Redrive</button>`}</span>`,
    },
  ]
  return html`<section class="card live" aria-labelledby="queues">
    <h2 id="queues">Queues</h2>
    ${value === undefined ? html`<${Problem} error=${problem} />` : html`<${Table} caption="Queues" columns=${columns} rows=${value} keyOf=${({ queue }: QueueLook) => queue} classOf=${({ dead, problem }: QueueLook) => (problem ? 'dim' : dead > 0 ? 'warn' : '')} empty="no queues here" />`}
    ${redriving !== undefined && html`<${RedriveQueue} queue=${redriving} close=${() => redrive(undefined)} />`}
  </section>`
}
