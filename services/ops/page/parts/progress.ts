import { count, duration, isKnown, rate as rateText } from '../format.ts'
import { html } from '../html.ts'

interface ProgressProps {
  /** Name of the activity, for screen readers. */
  label: string
  done: number
  total: number
  rate?: number | null
  etaSeconds?: number | null
  /** Share of the time that it works, while people are served. */
  pace?: number
}

/** Progress: a bar, the count, the rate, the pace if it pauses, and the remaining time. */
export function Progress({ label, done, total, rate, etaSeconds, pace = 1 }: ProgressProps) {
  const share = total > 0 ? Math.min(1, done / total) : undefined
  return html`<div class="progress">
    <progress aria-label=${label} max="1" value=${share}></progress>
    <span class="number">${share === undefined ? '' : `${Math.floor(share * 100)} % · `}${count(done)} of ${count(total)}</span>
    ${isKnown(rate) && html`<span class="number">${rateText(rate)}/s</span>`}
    ${pace < 1 && html`<span class="number" title="It pauses while people are served">paced to ${Math.floor(pace * 100)} %</span>`}
    ${isKnown(etaSeconds) && html`<span class="number">${duration(etaSeconds)} left</span>`}
  </div>`
}
