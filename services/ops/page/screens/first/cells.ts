import type { ConsumerLook } from '../../../../operations/look.ts'
import { now } from '../../clock.ts'
import { html } from '../../html.ts'
import { Age } from '../../parts/numbers.ts'
import { Spark } from '../../parts/spark.ts'
import { hrefTo } from '../../routing.ts'

const TRENDS = { '1': ['↗', 'falling behind'], '-1': ['↘', 'coming nearer'], '0': ['→', 'steady'] } as const

/** The current trend, and the last minute as a sparkline. */
export function Trend({ trend, history }: Pick<ConsumerLook, 'trend' | 'history'>) {
  const [arrow, word] = trend === null ? ['·', 'too early to say'] : TRENDS[`${trend}`]
  return html`<span class="trend" title=${word}
    ><span aria-hidden="true">${arrow}</span><span class="unseen">${word}</span><${Spark} values=${history} /></span
  >`
}

/** A last sign of life older than this is marked as late. */
const LATE_MS = 10_000

/** The process that owns the consumer, where it runs, and its last sign of life. */
export function Owner({ owner, service }: Pick<ConsumerLook, 'owner' | 'service'>) {
  if (!owner) return html`<span class="muted">nobody <span class="small">(${service} would)</span></span>`
  const isLate = !owner.isAlive || now() - owner.beatAt > LATE_MS
  return html`<span class="bits"
    ><span>${owner.service}</span><span class="small muted">${owner.host}/<span class="number">${owner.pid}</span></span
    ><span class="small ${isLate ? 'said bad' : 'muted'}" title="Last sign of life"
      >${isLate ? 'seen ' : '♥ '}<${Age} at=${owner.beatAt} suffix=${isLate ? ' ago' : ''} /></span
  ></span>`
}

/** Number of parked streams, and how long the oldest has been parked. */
export function ParkedStreams({ consumer, parked }: Pick<ConsumerLook, 'consumer' | 'parked'>) {
  if (parked.streams === 0) return html`<span class="muted number">0</span>`
  return html`<span class="bits"
    ><a href=${hrefTo('parked', '', { consumer })}>${parked.streams}</a
    ><span class="small muted"><${Age} at=${parked.oldestAt} why="since when is not known" /></span
  ></span>`
}
