import { useState } from 'preact/hooks'
import { get } from '../api.ts'
import { plural } from '../format.ts'
import { html } from '../html.ts'
import { useLoaded } from '../loaded.ts'
import { Command } from '../parts/command.ts'
import { Nothing, Problem } from '../parts/problem.ts'
import { hrefTo } from '../routing.ts'
import type { ScreenProps } from './props.ts'
import { type Request, TimeLine, timesOf } from './story/line.ts'
import { Tree } from './story/tree.ts'

interface Story {
  subject: { kind: string; name: string }
  meant: string[]
  isCut: boolean
  prunedBefore: number | null
  withoutOffsets: string | null
  sentences: string[]
  requests: Request[]
  command: string
}

/** How something came about: causes and effects, the delays between them, and what is still pending. */
export function StoryScreen({ rest, who }: ScreenProps) {
  const [sought, setSought] = useState(rest)
  const { value, error, isLoading, reload } = useLoaded(
    (signal) => (rest === '' ? Promise.resolve(undefined) : get<Story>(`/api/story?of=${encodeURIComponent(rest)}`, signal)),
    [rest],
  )
  const onSubmit = (event: Event) => {
    event.preventDefault()
    if (sought.trim() === rest) reload()
    else location.hash = hrefTo('story', sought.trim())
  }
  return html`<h1>Story</h1>
    <form class="row" onSubmit=${onSubmit}>
      <label
        >Of what
        <input required maxlength="300" size="44" autocomplete="off" spellcheck=${false} value=${sought}
          placeholder="note-42, a video, an event, a request, a trace, a message"
          onInput=${(e: InputEvent) => setSought((e.target as HTMLInputElement).value)}
      /></label>
      <button class="main">Tell</button>
      ${isLoading && rest && html`<span class="muted" role="status">looking …</span>`}
    </form>
    <${Problem} error=${error} reload=${reload} />
    ${
      rest === '' &&
      html`<${Nothing}>Name a stream (note-42, user-7, ai-note-42) or a video; the id of an event, of an operation or of a message in a queue; an X-Request-ID or a trace.<//>`
    }
    ${value && !error && html`<${Told} story=${value} isOperator=${who.role === 'operator'} />`}`
}

function Told({ story, isOperator }: { story: Story; isOperator: boolean }) {
  const { subject, sentences, requests, meant, isCut, prunedBefore, withoutOffsets, command } = story
  const { count, tookMs } = timesOf(requests)
  return html`<section aria-label="Story">
    <h2>${subject.kind} ${subject.name}</h2>
    ${sentences.length > 0 && html`<ul class="why">${sentences.map((text) => html`<li>${text}</li>`)}</ul>`}
    <p class="muted">
      ${plural(count, 'event')}${tookMs > 0 && html`, from the first to the last ${spanOf(tookMs)}`}
      ${isCut && html`; there are more, these are the newest`}
      ${prunedBefore !== null && html`; what lies before position ${prunedBefore} was pruned from the database`}
      ${withoutOffsets && html`; without offsets: ${withoutOffsets}`}
    </p>
    <${TimeLine} requests=${requests} />
    ${requests.map((request) => html`<${Tree} key=${request.correlationId} request=${request} meant=${meant} isOperator=${isOperator} />`)}
    <p class="muted">On the command line: <${Command} line=${command} /></p>
  </section>`
}

const spanOf = (ms: number) => (ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`)
