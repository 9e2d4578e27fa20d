import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { html } from '../html.ts'
import { useLoaded } from '../loaded.ts'
import { Command } from './command.ts'
import { Dialog } from './dialog.ts'
import { Problem } from './problem.ts'

export interface ConfirmProps<P> {
  /** For example `Redrive parked streams`. */
  title: string
  /** Label of the button, for example `Redrive`. */
  verb: string
  /** Name of the target, to be typed before a dangerous act. Acts without it need no typing. */
  name?: string
  /** Asks the server what would happen. */
  preview(): Promise<P>
  /** Renders the preview with its counts. */
  show(preview: P): ComponentChildren
  /** The equivalent command line. */
  command(reason: string, preview: P): string
  /** Performs the act. Resolves with a sentence on the result. */
  apply(preview: P, reason: string): Promise<ComponentChildren>
  close(): void
}

/** Moves the keyboard focus into the dialog. */
const focus = (input: HTMLInputElement | null) => input?.focus()

/** Confirms a dangerous act: shows a preview, asks for a reason and the typed name, then shows the result, errors in full. */
export function Confirm<P>({ title, verb, name, preview, show, command, apply, close }: ConfirmProps<P>) {
  const { value, error, isLoading, reload } = useLoaded(preview, [])
  const [reason, setReason] = useState('')
  const [typed, setTyped] = useState('')
  const [state, setState] = useState<
    { is: 'asking' | 'doing' } | { is: 'failed'; error: Error } | { is: 'done'; said: ComponentChildren }
  >({
    is: 'asking',
  })
  const isReady = value !== undefined && !isLoading && reason.trim() !== '' && (name === undefined || typed === name)

  const onSubmit = async (event: Event) => {
    event.preventDefault()
    if (!isReady || state.is === 'doing') return
    setState({ is: 'doing' })
    try {
      setState({ is: 'done', said: await apply(value, reason.trim()) })
    } catch (error) {
      setState({ is: 'failed', error: error as Error })
    }
  }
  const lookAgain = () => {
    setState({ is: 'asking' })
    reload()
  }

  if (state.is === 'done')
    return html`<${Dialog} title=${title} close=${close}>
      <div role="status">${state.said}</div>
      <footer><button type="button" class="main" onClick=${close} autofocus>Close</button></footer>
    <//>`
  return html`<${Dialog} title=${title} close=${close}>
    <form onSubmit=${onSubmit}>
      ${isLoading && value === undefined && html`<p class="muted">Looking at what would happen …</p>`}
      ${error && html`<${Problem} error=${error} reload=${reload} />`}
      ${
        value !== undefined &&
        html`<div class="preview">${show(value)}</div>
          <label>Reason <input name="reason" ref=${focus} required minlength="3" maxlength="500" autocomplete="off" value=${reason} onInput=${(e: InputEvent) => setReason((e.target as HTMLInputElement).value)} /></label>
          ${
            name !== undefined &&
            html`<label
              >Type <strong>${name}</strong> to confirm
              <input name="name" required autocomplete="off" spellcheck=${false} value=${typed} onInput=${(e: InputEvent) => setTyped((e.target as HTMLInputElement).value)}
            /></label>`
          }
          <p class="muted">On the command line: <${Command} line=${command(reason.trim(), value)} /></p>`
      }
      ${state.is === 'failed' && html`<${Problem} error=${state.error} reload=${lookAgain} />`}
      <footer>
        <button type="button" onClick=${close}>Cancel</button>
        <button class="main danger" disabled=${!isReady || state.is === 'doing'}>${state.is === 'doing' ? 'Working …' : verb}</button>
      </footer>
    </form>
  <//>`
}
