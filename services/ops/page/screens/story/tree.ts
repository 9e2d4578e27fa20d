import { post } from '../../api.ts'
import { duration } from '../../format.ts'
import { html } from '../../html.ts'
import { Tag } from '../../parts/badge.ts'
import { Masked } from '../../parts/masked.ts'
import { Moment } from '../../parts/numbers.ts'
import { hrefTo } from '../../routing.ts'
import type { Applied, Hop, Request } from './line.ts'

interface TreeProps {
  request: Request
  /** Ids of the events that were asked for. */
  meant: readonly string[]
  isOperator: boolean
}

/** A request, or another first cause, and the events that followed. */
export function Tree({ request, meant, isOperator }: TreeProps) {
  const { correlationId, actor, events } = request
  return html`<article class="card">
    <h3>
      ${correlationId === null ? 'not caused by a request' : html`request <a href=${hrefTo('story', correlationId)}>${correlationId}</a>`}
      ${actor && html` <span class="muted">by ${actor}</span>`}
    </h3>
    <${Hops} hops=${events} of=${request} meant=${meant} isOperator=${isOperator} />
  </article>`
}

interface HopsProps {
  hops: readonly Hop[]
  of: Request
  meant: readonly string[]
  isOperator: boolean
}

function Hops({ hops, of, meant, isOperator }: HopsProps) {
  return html`<ol class="story">
    ${hops.map(
      (hop) =>
        html`<li key=${hop.id} data-event=${hop.id}>
          <${Event} hop=${hop} of=${of} isMeant=${meant.includes(hop.id)} isOperator=${isOperator} />
          ${hop.caused.length > 0 && html`<${Hops} hops=${hop.caused} of=${of} meant=${meant} isOperator=${isOperator} />`}
        </li>`,
    )}
  </ol>`
}

function Event({ hop, of, isMeant, isOperator }: { hop: Hop; of: Request; isMeant: boolean; isOperator: boolean }) {
  const { id, type, stream, version, afterMs, time, actor, parked, isTorn, causationId, correlationId } = hop
  return html`<details open=${isMeant}>
    <summary>
      <span class="number">${afterMs === null ? html`<${Moment} at=${time} />` : `+${delay(afterMs)}`}</span>
      <strong>${type}</strong> <a href=${hrefTo('story', stream)}>${stream}</a>@${version}
      ${isMeant && html` <${Tag} tone="busy">this one<//>`}
      ${parked.map(({ consumer, state }) => html` <${Tag} tone=${state === 'failed' ? 'bad' : 'warn'}>parked in ${consumer}<//>`)}
      ${actor && actor !== of.actor && html` <span class="muted">by ${actor}</span>`}
      ${correlationId !== of.correlationId && html` <span class="muted">of request ${correlationId ?? 'of nobody'}</span>`}
      ${isTorn && html` <span class="warn">its cause ${causationId} is not in the database</span>`}
    </summary>
    <dl class="facts">
      <dt>Where</dt>
      <dd><a href=${hrefTo('topics', hop.topic, { from: String(hop.pos + 1) })}>position ${hop.pos}</a>, ${hop.topic}/${hop.partition}${hop.offset !== null && ` at offset ${hop.offset}`}</dd>
      <dt>When</dt>
      <dd><${Moment} at=${time} /></dd>
      ${hop.applied.map((one) => html`<dt>${one.consumer}</dt><dd>${appliedWords(one, time)}</dd>`)}
      ${parked.map(
        ({ consumer, state, cause }) =>
          html`<dt>${consumer}</dt><dd class="bad"><a href=${hrefTo('parked', '', { consumer })}>parked, ${state}</a> ${cause}</dd>`,
      )}
    </dl>
    <pre>${JSON.stringify(hop.data, null, 2)}</pre>
    <${Masked} what="payload" reveal=${isOperator ? (reason: string) => reveal(id, reason) : undefined} />
  </details>`
}

export const reveal = async (event: string, reason: string) => {
  const { payload } = await post<{ payload: unknown }>('/api/reveal', { what: { event }, reason })
  return html`<pre>${JSON.stringify(payload, null, 2)}</pre>`
}

const delay = (ms: number) => (ms < 1_000 ? `${ms} ms` : duration(ms / 1_000))

/** A consumer's position is sampled every two seconds, so only an upper bound of its delay is known. */
function appliedWords({ isPast, seenAt, by }: Applied, time: number): string {
  if (!isPast) return 'not come to it yet'
  if (seenAt === null) return 'done; it is not kept when'
  return `done within ${delay(Math.max(0, seenAt - time))}${by ? ` by ${by.service} (pid ${by.pid} on ${by.host})` : ''}`
}
