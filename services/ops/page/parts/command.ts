import { useEffect, useState } from 'preact/hooks'
import { html } from '../html.ts'

/** The equivalent command line, with a copy button. */
export function Command({ line }: { line: string }) {
  const [copied, setCopied] = useState<'' | 'copied' | 'select it by hand'>('')
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(''), 2_000)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(line)
      setCopied('copied')
    } catch {
      // Only pages over https or from this machine may write to the clipboard.
      setCopied('select it by hand')
    }
  }
  return html`<span class="command"
    ><code>${line}</code
    ><button type="button" class="quiet" onClick=${copy} aria-label=${`Copy the command ${line}`}>${copied || 'copy'}</button></span
  >`
}
