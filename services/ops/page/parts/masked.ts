import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { html } from '../html.ts'
import { Problem } from './problem.ts'

interface MaskedProps {
  /** Kind of the hidden content, in a word: `text`, `payload`. */
  what: string
  /** Fetches the hidden text, given a reason; the server records who saw it. Undefined for viewers. */
  reveal?: (reason: string) => Promise<ComponentChildren>
}

/** Text that a person wrote, hidden until an operator gives a reason to see it. */
export function Masked({ what, reveal }: MaskedProps) {
  const [isAsking, setAsking] = useState(false)
  const [reason, setReason] = useState('')
  const [shown, setShown] = useState<ComponentChildren>()
  const [error, setError] = useState<Error>()
  const onSubmit = async (event: Event) => {
    event.preventDefault()
    setError(undefined)
    try {
      setShown(await reveal!(reason.trim()))
    } catch (error) {
      setError(error as Error)
    }
  }
  if (shown !== undefined) return html`<span class="revealed">${shown}</span>`
  if (!isAsking)
    return html`<span class="masked"
      ><span aria-hidden="true">••••••</span><span class="unseen">${what} is hidden</span>
      ${reveal && html`<button type="button" class="quiet" onClick=${() => setAsking(true)}>reveal ${what}</button>`}</span
    >`
  return html`<form class="inline" onSubmit=${onSubmit}>
    <label
      >Why do you need to see it? It is recorded.
      <input required maxlength="500" autocomplete="off" value=${reason} onInput=${(e: InputEvent) => setReason((e.target as HTMLInputElement).value)}
    /></label>
    <button>Reveal</button> <button type="button" class="quiet" onClick=${() => setAsking(false)}>Cancel</button>
    ${error && html`<${Problem} error=${error} />`}
  </form>`
}
