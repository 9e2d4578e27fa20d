import { useState } from 'preact/hooks'
import type { Before, StreamLetters } from '../../../../operations/parked/stream.ts'
import { get, post } from '../../api.ts'
import { html } from '../../html.ts'
import { useLoaded } from '../../loaded.ts'
import { Tag } from '../../parts/badge.ts'
import { Masked } from '../../parts/masked.ts'
import { Moment } from '../../parts/numbers.ts'
import { Problem } from '../../parts/problem.ts'
import type { Skipped } from './acts.ts'

type Letter = StreamLetters['letters'][number]

interface LettersProps {
  consumer: string
  stream: string
  isOperator: boolean
  /** Called when the operator wants to skip an event. */
  skip(of: Skipped): void
  /** Reloads when this changes. */
  on: string
}

const TONES = { failed: 'bad', waiting: 'dim', due: 'busy', skipped: 'dim' } as const

/** The parked events of a stream, in order: the one that failed, its error, and those that wait behind it. */
export function Letters({ consumer, stream, isOperator, skip, on }: LettersProps) {
  const [after, setAfter] = useState(0)
  const { value, error, reload } = useLoaded(
    (signal) =>
      get<StreamLetters>(`/api/parked/letters?${new URLSearchParams({ consumer, stream, after: String(after) })}`, signal),
    [consumer, stream, after, on],
  )
  const reveal = (what: unknown) => (isOperator ? async (reason: string) => json(await revealed(what, reason)) : undefined)
  return html`<${Problem} error=${error} reload=${reload} />
    ${value?.before && html`<${Meets} before=${value.before} reveal=${reveal} />`}
    <ol>
      ${value?.letters.map(
        (letter: Letter) =>
          html`<li key=${letter.pos} data-pos=${letter.pos}>
            <p>
              <${Tag} tone=${TONES[letter.state]}>${letter.state}<//> <strong>${letter.event.type}</strong> ${stream}@${letter.event.version}, position ${letter.pos},
              <${Moment} at=${letter.event.time} />
            </p>
            ${letter.cause && html`<p class="wrap">${letter.state === 'skipped' ? 'given up: ' : ''}${letter.cause}</p>`}
            <details>
              <summary>Event</summary>
              ${json(letter.event)}
              <${Masked} what="payload" reveal=${reveal({ letter: { consumer, pos: letter.pos } })} />
            </details>
            ${
              isOperator &&
              letter.state === 'failed' &&
              html`<button type="button" onClick=${() => skip({ consumer, stream, pos: letter.pos })}>Skip this event …</button>`
            }
          </li>`,
      )}
    </ol>
    ${value?.next && html`<button type="button" onClick=${() => setAfter(value.next!)}>Next events</button>`}`
}

const json = (value: unknown) => html`<pre>${JSON.stringify(value, null, 2)}</pre>`

const revealed = async (what: unknown, reason: string) =>
  (await post<{ payload: unknown }>('/api/reveal', { what, reason })).payload

function Meets({
  before,
  reveal,
}: {
  before: Before
  reveal(what: unknown): ((reason: string) => Promise<unknown>) | undefined
}) {
  if (before.is === 'unknown') return html`<p class="muted">What the first one meets is not known: ${before.why}</p>`
  if (before.is === 'state')
    return html`<details open>
      <summary>State of the stream before the first one, at version ${before.version}</summary>
      ${json(before.state)}
    </details>`
  return html`<details open>
    <summary>Row ${before.id} of ${before.view}, which the first one meets</summary>
    ${before.row === null ? html`<p class="muted">There is no such row.</p>` : json(before.row)}
    ${before.row !== null && html`<${Masked} what="row" reveal=${reveal({ row: { view: before.view, id: String(before.id) } })} />`}
  </details>`
}
