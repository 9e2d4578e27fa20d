import { html } from '../html.ts'

/** An error, in full. */
export function Problem({ error, reload }: { error: Error | string | undefined; reload?: () => void }) {
  if (!error) return null
  return html`<p class="problem" role="alert">
    <span>${typeof error === 'string' ? error : error.message}</span>
    ${reload && html`<button type="button" onClick=${reload}>Try again</button>`}
  </p>`
}

/** Says that there is nothing to show, and what that means. */
export function Nothing({ children }: { children?: unknown }) {
  return html`<p class="nothing">${children}</p>`
}
