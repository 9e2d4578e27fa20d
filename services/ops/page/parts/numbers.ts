import { useNow } from '../clock.ts'
import { count, duration, isKnown, moment, UNKNOWN } from '../format.ts'
import { html } from '../html.ts'

/** A number. An unknown one is a dash with a reason, never a zero. */
export function Count({ value, why = 'not known' }: { value: number | null | undefined; why?: string }) {
  return isKnown(value)
    ? html`<span class="number ${value === 0 ? 'muted' : ''}">${count(value)}</span>`
    : html`<${Unknown} why=${why} />`
}

/** A duration. */
export function Duration({ seconds, why = 'not known' }: { seconds: number | null | undefined; why?: string }) {
  return isKnown(seconds)
    ? html`<span class="number ${seconds === 0 ? 'muted' : ''}">${duration(seconds)}</span>`
    : html`<${Unknown} why=${why} />`
}

export function Unknown({ why = 'not known' }: { why?: string }) {
  return html`<span class="unknown" title=${why}>${UNKNOWN}<span class="unseen"> ${why}</span></span>`
}

/** Time since a moment (milliseconds since the epoch), by the server's clock; the tooltip shows the moment. */
export function Age({ at, why = 'never', suffix = '' }: { at: number | null | undefined; why?: string; suffix?: string }) {
  const now = useNow()
  if (!isKnown(at)) return html`<${Unknown} why=${why} />`
  const seconds = Math.max(0, (now - at) / 1_000)
  return html`<time class="number" datetime=${new Date(at).toISOString()} title=${moment(at)}
    >${duration(Math.floor(seconds))}${suffix}</time
  >`
}

/** A moment in UTC. */
export function Moment({ at, why = 'never' }: { at: number | null | undefined; why?: string }) {
  if (!isKnown(at)) return html`<${Unknown} why=${why} />`
  return html`<time class="number" datetime=${new Date(at).toISOString()}>${moment(at)}</time>`
}
