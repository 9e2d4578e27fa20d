import { useEffect, useRef, useState } from 'preact/hooks'
import { get } from '../../api.ts'
import { count, plural } from '../../format.ts'
import { html } from '../../html.ts'
import { Command } from '../../parts/command.ts'
import { Masked } from '../../parts/masked.ts'
import { Moment } from '../../parts/numbers.ts'
import { Nothing, Problem } from '../../parts/problem.ts'
import { type Column, Table } from '../../parts/table.ts'
import { hrefTo } from '../../routing.ts'
import { reveal } from '../story/tree.ts'

interface Shown {
  id: string
  pos: number
  topic: string
  partition: number
  key: string
  stream: string
  version: number
  type: string
  time: number
  actor: string | null
  data: unknown
}

interface Page {
  events: Shown[]
  searched: number
  of: number | null
  next: number
  why: 'end' | 'limit' | 'most' | 'time' | 'stopped'
  command: string
}

type Direction = 'forwards' | 'backwards'

/** Events kept on the screen in live mode. */
const MOST_LIVE = 200
const LIMIT = 50

const columns: readonly Column<Shown>[] = [
  { head: 'Position', isNumber: true, cell: ({ pos }) => pos },
  { head: 'When', cell: ({ time }) => html`<${Moment} at=${time} />` },
  { head: 'Type', cell: ({ type }) => html`<strong>${type}</strong>` },
  { head: 'Stream', cell: ({ stream, version }) => html`<a href=${hrefTo('story', stream)}>${stream}</a>@${version}` },
  { head: 'Where', cell: ({ topic, partition }) => `${topic}/${partition}` },
  { head: 'Key', class: 'wrap', cell: ({ key }) => html`<code>${key}</code>` },
  { head: 'Story', cell: ({ id }) => html`<a href=${hrefTo('story', id)}>story</a>` },
]

interface BrowseProps {
  topic: string
  given: Record<string, string>
  isOperator: boolean
}

/** Matching events, a page at a time in either direction, or live. */
export function Browse({ topic, given, isOperator }: BrowseProps) {
  const [direction, setDirection] = useState<Direction>('backwards')
  const [events, setEvents] = useState<Shown[]>([])
  const [page, setPage] = useState<Page>()
  const [searched, setSearched] = useState(0)
  const [of, setOf] = useState<number | null>(null)
  const [isSearching, setSearching] = useState(false)
  const [isLive, setLive] = useState(false)
  const [passed, setPassed] = useState(0)
  const [error, setError] = useState<Error | string>()
  const stopping = useRef<AbortController | undefined>(undefined)

  const query = (more: Record<string, string>) => {
    const { at, from, ...filter } = given
    const begin = more.from ? {} : { ...(from && { from }), ...(at && { at }) }
    const all = { ...(topic && { topic }), ...filter, ...begin, ...more }
    return new URLSearchParams(Object.entries(all).filter(([, text]) => text !== ''))
  }

  /** Searches in bounded steps until a page is full, the log ends or somebody stops it. */
  const search = async (towards: Direction, from?: number) => {
    stopping.current?.abort()
    const aborter = new AbortController()
    stopping.current = aborter
    setSearching(true)
    setError(undefined)
    let [next, found, looked] = [from, from === undefined ? [] : events, from === undefined ? 0 : searched]
    const enough = found.length + LIMIT
    try {
      for (;;) {
        const limit = String(enough - found.length)
        const answer: Page = await get<Page>(
          `/api/topics/events?${query({ direction: towards, limit, ...(next !== undefined && { from: String(next) }) })}`,
          aborter.signal,
        )
        if (aborter.signal.aborted) return
        if (next === undefined) setOf(answer.of)
        found = [...found, ...answer.events]
        looked += answer.searched
        next = answer.next
        setEvents(found)
        setSearched(looked)
        setPage(answer)
        if (answer.why === 'end' || answer.why === 'limit') break
      }
    } catch (error) {
      if (!aborter.signal.aborted) setError(error as Error)
    } finally {
      if (stopping.current === aborter) setSearching(false)
    }
  }
  const stop = () => {
    stopping.current?.abort()
    setSearching(false)
  }
  useEffect(() => {
    if (!isLive) void search(direction)
    return stop
  }, [direction, isLive])

  useEffect(() => {
    if (!isLive) return
    setEvents([])
    setPassed(0)
    setError(undefined)
    const source = new EventSource(`/api/topics/live?${query({ from: '0' })}`.replace(/&?from=0/, ''))
    source.addEventListener('open', () => setError(undefined))
    source.addEventListener('error', () => setError('the server is away'))
    source.addEventListener('events', ({ data }: MessageEvent<string>) => {
      const frame = JSON.parse(data) as { events: Shown[]; passed: number; problem?: string }
      setError(frame.problem)
      setPassed((before) => before + frame.passed)
      setEvents((before) => [...frame.events.toReversed(), ...before].slice(0, MOST_LIVE))
    })
    return () => source.close()
  }, [isLive])

  const isMore = page && page.why !== 'end' && !isSearching
  return html`<p class="row">
      <button type="button" aria-pressed=${isLive} onClick=${() => setLive(!isLive)}>${isLive ? 'Stop' : 'Live'}</button>
      ${
        !isLive &&
        html`<button type="button" onClick=${() => setDirection(direction === 'forwards' ? 'backwards' : 'forwards')}>
          ${direction === 'forwards' ? 'Newest first' : 'Oldest first'}
        </button>`
      }
      ${isSearching && html`<button type="button" onClick=${stop}>Stop</button>`}
      <span class="muted number" role="status"
        >${
          isLive
            ? `live${passed > 0 ? `; ${plural(passed, 'event')} came too fast to show` : ''}`
            : `searched ${count(searched)} of ${of === null ? 'an unknown number of' : count(of)} events${isSearching ? ' …' : ''}`
        }</span
      >
    </p>
    <${Problem} error=${error} reload=${isLive ? undefined : () => search(direction)} />
    ${
      events.length === 0
        ? !isSearching && html`<${Nothing}>${isLive ? 'Nothing came yet.' : 'No event matches.'}<//>`
        : html`<${Table}
            caption="Events"
            columns=${columns}
            rows=${events}
            keyOf=${({ id }: Shown) => id}
            detailsName=${({ type, stream, version }: Shown) => `${type} of ${stream}@${version}`}
            details=${({ id, data }: Shown) => html`<pre>${JSON.stringify(data, null, 2)}</pre>
              <${Masked} what="payload" reveal=${isOperator ? (reason: string) => reveal(id, reason) : undefined} />`}
          />`
    }
    ${isMore && !isLive && html`<button type="button" onClick=${() => search(direction, page.next)}>More</button>`}
    ${page && !isLive && html`<p class="muted">On the command line: <${Command} line=${page.command} /></p>`}`
}
