import { useState } from 'preact/hooks'
import { post } from './api.ts'
import { html } from './html.ts'
import { Problem } from './parts/problem.ts'
import { begin, type Who } from './session.ts'

/** Asks for the password or a token. It is sent once and not stored; scripts cannot read the session cookie. */
export function SignIn({ why }: { why?: string }) {
  const [secret, setSecret] = useState('')
  const [error, setError] = useState<Error>()
  const [isBusy, setBusy] = useState(false)
  const onSubmit = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    setError(undefined)
    try {
      begin(await post<Who>('/api/session', { secret }))
    } catch (error) {
      setError(error as Error)
      setBusy(false)
    }
  }
  return html`<form class="sign-in" onSubmit=${onSubmit}>
    ${why && html`<p>${why}</p>`}
    <input type="text" class="unseen" autocomplete="username" value="operator" readonly tabindex="-1" aria-hidden="true" />
    <label
      >Password or token
      <input type="password" name="secret" required autofocus autocomplete="current-password" value=${secret} onInput=${(e: InputEvent) => setSecret((e.target as HTMLInputElement).value)}
    /></label>
    ${error && html`<${Problem} error=${error} />`}
    <button class="main" disabled=${isBusy}>Sign in</button>
  </form>`
}
