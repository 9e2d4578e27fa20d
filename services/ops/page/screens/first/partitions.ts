import type { PartitionStanding } from '../../../../../platform/log/consumers/state.ts'
import type { ConsumerLook } from '../../../../operations/look.ts'
import { html } from '../../html.ts'
import { Chart } from '../../parts/chart.ts'
import { Age, Count } from '../../parts/numbers.ts'
import { type Column, Table } from '../../parts/table.ts'
import { historyOf, keyOf } from './history.ts'

const columns: readonly Column<PartitionStanding>[] = [
  { head: 'Partition', isNumber: true, cell: ({ partition }) => partition },
  { head: 'Applied to', isNumber: true, cell: ({ pos }) => html`<${Count} value=${pos} />` },
  { head: 'Head', isNumber: true, cell: ({ head }) => html`<${Count} value=${head} />` },
  { head: 'Behind', isNumber: true, cell: ({ events, problem }) => html`<${Count} value=${events} why=${problem} />` },
  {
    head: 'Oldest not applied',
    isNumber: true,
    cell: ({ oldestAt, events, problem }) =>
      events === 0 ? html`<span class="muted">none</span>` : html`<${Age} at=${oldestAt} why=${problem ?? 'not known'} />`,
  },
  { head: 'Moved', isNumber: true, cell: ({ movedAt }) => html`<${Age} at=${movedAt} suffix=" ago" />` },
  {
    head: 'Remarks',
    cell: ({ lost, problem }) =>
      html`${lost ? html`<p class="said bad">${lost} events are lost to it: the log no longer has them</p>` : null}
      ${problem ? html`<p class="said warn">${problem}</p>` : null}`,
  },
]

/** Details of a consumer: its history, and its state in each partition. */
export function Partitions({ look }: { look: ConsumerLook }) {
  const { at, events } = historyOf(keyOf(look))
  const rows = look.partitions.toSorted((a, b) => (b.events ?? -1) - (a.events ?? -1) || a.partition - b.partition)
  return html`<${Chart} label="Events behind over time" at=${at} values=${events} />
    <${Table}
      caption=${`Partitions of ${look.topic} for ${look.consumer}`}
      columns=${columns}
      rows=${rows}
      keyOf=${({ partition }: PartitionStanding) => String(partition)}
      classOf=${({ partition }: PartitionStanding) => (partition === look.partition && look.state !== 'OK' ? 'warn' : '')}
      empty="no partition of it is known"
    />`
}
