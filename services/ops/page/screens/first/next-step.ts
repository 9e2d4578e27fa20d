import type { ConsumerLook } from '../../../../operations/look.ts'
import { html } from '../../html.ts'
import { toneOf } from '../../parts/badge.ts'
import { Command } from '../../parts/command.ts'
import { hrefTo } from '../../routing.ts'

/** Where on this page each state can be fixed. */
const PLACES: Partial<Record<ConsumerLook['state'], (one: ConsumerLook) => [address: string, words: string]>> = {
  PARKED: ({ consumer }) => [hrefTo('parked', '', { consumer }), 'See what is parked'],
  REWOUND: ({ consumer, topic }) => [hrefTo('replay', '', { consumer, topic }), 'Reset or rebuild'],
  REBUILDING: ({ consumer }) => [hrefTo('replay', '', { view: consumer }), 'See the rebuild'],
}

/** True if the process is alive but frozen. Relieving one of its consumers fixes all of them. */
export const isFrozen = ({ state, next }: ConsumerLook) => state === 'STUCK' && !!next?.startsWith('npx vidwiz relieve ')

interface NextStepProps {
  of: ConsumerLook
  isOperator: boolean
  /** The row above has the same owner and the same remedy. */
  isAsAbove: boolean
  /** Opens the dialog that relieves a consumer. */
  relieve(consumer: string): void
}

/** Why a consumer is not well, and what to do next, here or on the command line. */
export function NextStep({ of, isOperator, isAsAbove, relieve }: NextStepProps) {
  const place = PLACES[of.state]?.(of)
  return html`<div class="why ${toneOf(of.state)}">
    <span>${of.why}</span>
    ${place && isOperator && html`<a class="button" href=${place[0]}>${place[1]}</a>`}
    ${isFrozen(of) && isOperator && !isAsAbove && html`<button type="button" onClick=${() => relieve(of.consumer)} aria-label=${`Relieve ${of.consumer} of its frozen process`}>Relieve</button>`}
    ${of.next && (isAsAbove ? html`<span class="small muted">fixed as above</span>` : html`<${Command} line=${of.next} />`)}
  </div>`
}
