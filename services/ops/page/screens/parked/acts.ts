import { useState } from 'preact/hooks'
import type { Redriven } from '../../../../operations/parked/redriving.ts'
import type { SkipPreview } from '../../../../operations/parked/skipping.ts'
import { get, post } from '../../api.ts'
import { plural } from '../../format.ts'
import { html } from '../../html.ts'
import { Confirm } from '../../parts/confirm.ts'
import { type Run, RunCard } from './runs.ts'

/** Several streams: those of a cause, of a consumer, or both. */
export interface Chosen {
  group?: string
  consumer?: string
}

interface RedrivePreview {
  target: string
  streams: number
  events: number
  consumers: { consumer: string; streams: number; events: number }[]
  command: string
  token: string
  tried: Redriven | null
}

const word = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/** Confirms the redrive of many streams. The screen shows the result. */
export function RedriveMany({ chosen, close }: { chosen: Chosen; close(): void }) {
  const name = [...(chosen.group ? ['group', chosen.group] : []), ...(chosen.consumer ? [chosen.consumer] : [])].join(' ')
  return html`<${Confirm}
    title=${`Redrive ${name}`}
    verb="Redrive"
    name=${name}
    preview=${() => get<RedrivePreview>(`/api/parked/redrive?${new URLSearchParams({ ...chosen })}`)}
    show=${({ streams, events, consumers, tried }: RedrivePreview) =>
      html`<p>${plural(streams, 'stream')} with ${plural(events, 'event')}: ${consumers.map(({ consumer, streams }) => `${consumer} ${streams}`).join(', ')}.</p>
        <p>
          ${
            tried === null
              ? 'So many are not tried beforehand.'
              : `Tried without a change: ${plural(tried.applied, 'event')} would be applied, ${tried.parked} would stay parked or only their consumer can tell.`
          }
        </p>`}
    command=${(reason: string, { command }: RedrivePreview) => `${command} --reason ${word(reason || 'WHY')}`}
    apply=${async ({ token }: RedrivePreview, reason: string) => {
      const run = await post<Run>('/api/parked/redrive', { ...chosen, token, name, reason })
      return html`<${RunCard} begun=${run} isOperator=${true} changed=${() => {}} />`
    }}
    close=${close}
  />`
}

type Told = SkipPreview & { target: string; token: string; command: string }

/** An event to skip. */
export interface Skipped {
  consumer: string
  stream: string
  pos: number
}

/** Confirms the skip of an event, and says what will differ. */
export function Skip({ consumer, stream, pos, close }: Skipped & { close(): void }) {
  const [redrive, setRedrive] = useState(true)
  const of = { consumer, stream, pos }
  return html`<${Confirm}
    title=${`Skip position ${pos} of ${stream} in ${consumer}`}
    verb="Skip"
    name=${`${consumer} ${stream}`}
    preview=${() => get<Told>(`/api/parked/skip?${new URLSearchParams({ consumer, stream, pos: String(pos) })}`)}
    show=${({ says, rows, isComputed }: Told) =>
      html`<ul>
          ${says.map((sentence) => html`<li key=${sentence}>${sentence}</li>`)}
        </ul>
        ${rows.map(
          ({ id, now, without, with: kept }) =>
            html`<details key=${id}>
              <summary>Row ${id}</summary>
              <dl class="facts">
                <dt>now</dt>
                <dd><code>${JSON.stringify(now)}</code></dd>
                <dt>without it</dt>
                <dd><code>${JSON.stringify(without)}</code></dd>
                ${isComputed && html`<dt>with it</dt><dd><code>${JSON.stringify(kept)}</code></dd>`}
              </dl>
            </details>`,
        )}
        <label
          ><input type="checkbox" checked=${redrive} onChange=${(e: Event) => setRedrive((e.target as HTMLInputElement).checked)} /> Redrive what
          waits behind it in the same step</label
        >`}
    command=${(reason: string) => `npx vidwiz skip ${consumer} ${stream} ${pos} --reason ${word(reason || 'WHY')}${redrive ? ' --redrive' : ''}`}
    apply=${async ({ token }: Told, reason: string) => {
      const { redriven } = await post<{ redriven: Redriven | null }>('/api/parked/skip', {
        ...of,
        token,
        reason,
        redrive,
        name: `${consumer} ${stream}`,
      })
      const then = redriven ? ` ${plural(redriven.applied, 'event')} behind it applied, ${redriven.parked} still parked.` : ''
      return `Skipped position ${pos}.${then}`
    }}
    close=${close}
  />`
}
