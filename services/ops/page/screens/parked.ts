import { useState } from 'preact/hooks'
import type { Group } from '../../../operations/parked/groups.ts'
import { get } from '../api.ts'
import { plural } from '../format.ts'
import { html } from '../html.ts'
import { useLoaded } from '../loaded.ts'
import { Command } from '../parts/command.ts'
import { Age, Count } from '../parts/numbers.ts'
import { Nothing, Problem } from '../parts/problem.ts'
import { type Column, Table } from '../parts/table.ts'
import { hrefTo } from '../routing.ts'
import { type Chosen, RedriveMany, Skip, type Skipped } from './parked/acts.ts'
import { type Run, Runs } from './parked/runs.ts'
import { Streams } from './parked/streams.ts'
import type { ScreenProps } from './props.ts'

/** Parked events by cause: what failed, which events it affects, and what to do about it. */
export function ParkedScreen({ query, who, look }: ScreenProps) {
  const consumer = query.get('consumer') ?? ''
  const isOperator = who.role === 'operator'
  const [chosen, setChosen] = useState<Chosen>()
  // Kept here, not with the event: the event may leave the list before the dialog has shown its result.
  const [skipped, setSkipped] = useState<Skipped>()
  const [times, setTimes] = useState(0)
  const changed = () => setTimes((n) => n + 1)
  // Reload whenever the number of parked streams changes.
  const parked = look && 'value' in look.consumers ? look.consumers.value?.map((one) => one.parked.streams).join() : undefined
  const { value, error, reload } = useLoaded(
    (signal) => get<{ groups: Group[]; runs: Run[] }>(`/api/parked${ofConsumer('?', consumer)}`, signal),
    [consumer, times, parked],
  )

  const columns: readonly Column<Group>[] = [
    { head: 'Cause', class: 'wide', cell: (group) => html`<${Cause} group=${group} />` },
    { head: 'Consumers', cell: ({ consumers, topics }) => html`<span title=${topics.join(', ')}>${consumers.join(', ')}</span>` },
    { head: 'Streams', isNumber: true, cell: ({ streams }) => html`<${Count} value=${streams} />` },
    { head: 'Events', isNumber: true, cell: ({ events }) => html`<${Count} value=${events} />` },
    { head: 'First seen', isNumber: true, cell: ({ firstAt }) => html`<${Age} at=${firstAt} suffix=" ago" />` },
    { head: 'Last seen', isNumber: true, cell: ({ lastAt }) => html`<${Age} at=${lastAt} suffix=" ago" />` },
    {
      head: 'Redriven',
      isNumber: true,
      help: 'How often people had streams of it tried again',
      cell: ({ redriven }) => html`<${Count} value=${redriven} />`,
    },
    ...(isOperator
      ? [
          {
            head: 'Act',
            cell: ({ id }: Group) =>
              html`<button type="button" onClick=${() => setChosen({ group: id, ...(consumer && { consumer }) })}>Redrive group …</button>`,
          },
        ]
      : []),
  ]
  return html`<h1>Parked</h1>
    ${
      consumer &&
      html`<p class="row">
        <span>Of <strong>${consumer}</strong> only.</span> <a href=${hrefTo('parked')}>Show all</a>
        ${isOperator && value && value.groups.length > 0 && html`<button type="button" onClick=${() => setChosen({ consumer })}>Redrive all of ${consumer} …</button>`}
      </p>`
    }
    <${Problem} error=${error} reload=${reload} />
    ${value && html`<${Runs} runs=${value.runs} isOperator=${isOperator} changed=${changed} />`}
    ${
      value &&
      (value.groups.length === 0
        ? html`<${Nothing}>Nothing is parked${consumer && ` in ${consumer}`}.<//>`
        : html`<${Table}
              caption="Parked events by cause"
              columns=${columns}
              rows=${value.groups}
              keyOf=${({ id }: Group) => id}
              detailsName=${({ id, streams }: Group) => `${plural(streams, 'stream')} of group ${id}`}
              details=${({ id, streams, events }: Group) =>
                html`<${Streams} group=${id} consumer=${consumer} isOperator=${isOperator} changed=${changed} skip=${setSkipped} on=${`${streams} ${events} ${times}`} />`}
            />
            <p class="muted">On the command line: <${Command} line=${`npx vidwiz letters${ofConsumer(' ', consumer, '')} --group`} /></p>`)
    }
    ${
      skipped &&
      html`<${Skip}
        ...${skipped}
        close=${() => {
          setSkipped(undefined)
          changed()
        }}
      />`
    }
    ${
      chosen &&
      html`<${RedriveMany}
        chosen=${chosen}
        close=${() => {
          setChosen(undefined)
          changed()
        }}
      />`
    }`
}

const ofConsumer = (before: string, consumer: string, name = 'consumer=') =>
  consumer && `${before}${name}${encodeURIComponent(consumer)}`

function Cause({ group: { id, error, place, pattern, example } }: { group: Group }) {
  if (id === 'freed') return html`<span>Nothing failed here any more: redrive what waits</span>`
  return html`<span class="bits">
    <strong>${error ?? 'cause not kept'}</strong> ${place && html`<code>${place}</code>`}
    ${pattern && html`<span class="wrap">${pattern}</span>`}
    <span class="small muted">for example ${example.type} ${example.stream}@${example.version}</span>
  </span>`
}
