import { useId, useLayoutEffect, useRef } from 'preact/hooks'
import { html } from '../html.ts'

/** A modal dialog. The browser traps the focus, closes it on Escape and restores the focus. */
export function Dialog({ title, close, children }: { title: string; close?: () => void; children?: unknown }) {
  const element = useRef<HTMLDialogElement>(null)
  const id = useId()
  useLayoutEffect(() => {
    const dialog = element.current!
    const before = document.activeElement as HTMLElement | null
    if (!dialog.open) dialog.showModal()
    return () => {
      dialog.close()
      before?.focus()
    }
  }, [])
  const onCancel = (event: Event) => {
    event.preventDefault()
    close?.()
  }
  return html`<dialog ref=${element} aria-labelledby=${id} onCancel=${onCancel}>
    <header>
      <h2 id=${id}>${title}</h2>
      ${close && html`<button type="button" class="quiet" aria-label="Close" onClick=${close}>✕</button>`}
    </header>
    ${children}
  </dialog>`
}
