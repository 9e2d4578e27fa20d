import { useEffect, useState } from 'preact/hooks'
import type { Cursor, Stuck } from '../../../../operations/parked/stuck.ts'
import { get, post } from '../../api.ts'
import { html } from '../../html.ts'
import { Age, Count } from '../../parts/numbers.ts'
import { Problem } from '../../parts/problem.ts'
import { type Column, Table } from '../../parts/table.ts'
import { hrefTo } from '../../routing.ts'
import type { Skipped } from './acts.ts'
import { Letters } from './letters.ts'
import { type Run, RunCard } from './runs.ts'

interface Page {
  streams: Stuck[]
  next: Cursor | null
}

interface StreamsProps {
  group: string
  consumer: string
  isOperator: boolean
  changed(): void
  skip(of: Skipped): void
  /** Reloads when this changes. */
  on: string
}

/** The streams of one cause, a page at a time. */
export function Streams({ group, consumer, isOperator, changed, skip, on }: StreamsProps) {
  const [page, setPage] = useState<Page>({ streams: [], next: null })
  const [error, setError] = useState<Error>()
  const [run, setRun] = useState<Run>()
  const load = async (after?: Cursor) => {
    const query = new URLSearchParams({
      group,
      ...(consumer && { consumer }),
      ...(after && { afterConsumer: after.consumer, afterStream: after.stream }),
    })
    try {
      const { streams, next } = await get<Page>(`/api/parked/streams?${query}`)
      setError(undefined)
      setPage((before) => ({ streams: after ? [...before.streams, ...streams] : streams, next }))
    } catch (error) {
      setError(error as Error)
    }
  }
  useEffect(() => void load(), [group, consumer, on])
  const redrive = (of: Cursor) =>
    post<Run>('/api/parked/redrive', of).then((run) => {
      setError(undefined)
      setRun(run)
    }, setError)

  const columns: readonly Column<Stuck>[] = [
    { head: 'Stream', cell: ({ stream }) => html`<a href=${hrefTo('story', stream)}>${stream}</a>` },
    { head: 'Consumer', cell: ({ consumer }) => consumer },
    { head: 'Events', isNumber: true, cell: ({ events }) => html`<${Count} value=${events} />` },
    { head: 'Parked', isNumber: true, cell: ({ at }) => html`<${Age} at=${at} suffix=" ago" />` },
    { head: 'Tried', isNumber: true, cell: ({ redriven }) => html`<${Count} value=${redriven} />` },
    ...(isOperator
      ? [
          {
            head: 'Act',
            cell: ({ consumer, stream, isDue }: Stuck) =>
              isDue
                ? html`<span class="muted">due: ${consumer} is about to try it</span>`
                : html`<button type="button" aria-label=${`Redrive ${stream} in ${consumer}`} onClick=${() => redrive({ consumer, stream })}>Redrive</button>`,
          },
        ]
      : []),
  ]
  return html`<${Problem} error=${error} reload=${() => load()} />
    ${run && html`<${RunCard} key=${run.operation} begun=${run} isOperator=${isOperator} changed=${changed} />`}
    <${Table}
      caption="Streams that are held up"
      columns=${columns}
      rows=${page.streams}
      keyOf=${({ consumer, stream }: Stuck) => `${consumer} ${stream}`}
      detailsName=${({ consumer, stream }: Stuck) => `Events of ${stream} in ${consumer}`}
      details=${({ consumer, stream, events }: Stuck) =>
        html`<${Letters} consumer=${consumer} stream=${stream} isOperator=${isOperator} skip=${skip} on=${`${events} ${on}`} />`}
    />
    ${page.next && html`<button type="button" onClick=${() => load(page.next!)}>More streams</button>`}`
}
