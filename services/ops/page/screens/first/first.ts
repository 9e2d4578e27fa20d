import { useState } from 'preact/hooks'
import { html } from '../../html.ts'
import type { ScreenProps } from '../props.ts'
import { Relieve } from './acts.ts'
import { Consumers } from './consumers.ts'
import { BreakerCard, Replays, Requests, Tasks } from './others.ts'
import { Queues } from './queues.ts'

/** Overview; what needs attention comes first. */
export function FirstScreen({ look, who }: ScreenProps) {
  // Kept here, not in the row: the row vanishes once another process takes over, perhaps before the dialog has shown its result.
  const [relieved, relieve] = useState<string>()
  if (!look) return html`<p class="muted">Looking …</p>`
  const isOperator = who.role === 'operator'
  return html`<h1 class="unseen">How everything stands</h1>
    <div class="stand">
      <${Consumers} look=${look} isOperator=${isOperator} relieve=${relieve} />
      <div class="cards">
        ${[Queues, Requests, Tasks, BreakerCard, Replays].map((Card) => html`<${Card} key=${Card.name} look=${look} isOperator=${isOperator} />`)}
      </div>
    </div>
    ${relieved !== undefined && html`<${Relieve} consumer=${relieved} close=${() => relieve(undefined)} />`}`
}
