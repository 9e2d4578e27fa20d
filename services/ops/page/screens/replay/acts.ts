import { useState } from 'preact/hooks'
import { get, post } from '../../api.ts'
import { count, moment, plural } from '../../format.ts'
import { html } from '../../html.ts'
import { Command } from '../../parts/command.ts'
import { Confirm } from '../../parts/confirm.ts'
import { Dialog } from '../../parts/dialog.ts'
import { Problem } from '../../parts/problem.ts'
import { hrefTo } from '../../routing.ts'

const word = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/** Begins a replay, then opens the screen with its progress. */
export async function start(
  view: string,
  body: { act: 'dry-run' | 'verify' | 'as-of'; position?: number; at?: string },
): Promise<void> {
  const { id } = await post<{ id: string }>(`/api/views/${view}/replay`, body)
  location.hash = hrefTo('replay', id)
}

interface RebuildPreview {
  command: string
  token: string
  dryRun: { id: string; endedAt: number; added: number; changed: number; removed: number } | null
}

/** Confirms the rebuild of a view, with the result of the last dry run. */
export function Rebuild({ view, close }: { view: string; close(): void }) {
  return html`<${Confirm}
    title=${`Rebuild ${view}`}
    verb="Rebuild"
    name=${view}
    preview=${() => get<RebuildPreview>(`/api/views/${view}/rebuild`)}
    show=${({ dryRun }: RebuildPreview) =>
      html`<p>The view is rebuilt from the log beside the live one, then swapped in. Reads continue meanwhile. You can cancel it until the swap.</p>
        <p>
          ${
            dryRun
              ? html`The dry run of ${moment(dryRun.endedAt)} would have <strong>added ${count(dryRun.added)}, changed ${count(dryRun.changed)} and removed ${plural(dryRun.removed, 'row')}</strong>:
                  <a href=${hrefTo('replay', dryRun.id)}>see them</a>.`
              : html`<strong>No dry run was made</strong>: it shows what would change, and changes nothing.`
          }
        </p>`}
    command=${(reason: string, { command }: RebuildPreview) => `${command} --reason ${word(reason || 'WHY')}`}
    apply=${async ({ token }: RebuildPreview, reason: string) => {
      const { id } = await post<{ id: string }>(`/api/views/${view}/rebuild`, { token, reason, name: view })
      location.hash = hrefTo('replay', id)
      return html`<p>It has begun: <a href=${hrefTo('replay', id)}>how far it is</a>.</p>`
    }}
    close=${close}
  />`
}

/** Asks for the position or moment as of which to fold a view. */
export function AsOf({ view, close }: { view: string; close(): void }) {
  const [position, setPosition] = useState('')
  const [at, setAt] = useState('')
  const [error, setError] = useState<Error>()
  const isReady = (position !== '') !== (at !== '')
  const onSubmit = async (event: Event) => {
    event.preventDefault()
    setError(undefined)
    try {
      // The moment is in UTC, like all moments on this page.
      await start(view, {
        act: 'as-of',
        ...(position ? { position: Number(position) } : { at: `${at}${at.length === 16 ? ':00' : ''}Z` }),
      })
      close()
    } catch (error) {
      setError(error as Error)
    }
  }
  const when = position ? `--position ${position}` : `--at ${at || 'MOMENT'}Z`
  return html`<${Dialog} title=${`${view} as it was`} close=${close}>
    <form onSubmit=${onSubmit}>
      <p>It is folded into a table beside the live one, which stays as it is.</p>
      <label>Moment (UTC) <input type="datetime-local" name="at" step="1" value=${at} onInput=${(e: InputEvent) => setAt((e.target as HTMLInputElement).value)} autofocus /></label>
      <label>or position <input type="number" name="position" min="0" value=${position} onInput=${(e: InputEvent) => setPosition((e.target as HTMLInputElement).value)} /></label>
      <p class="muted">On the command line: <${Command} line=${`npx vidwiz as-of ${view} ${when}`} /></p>
      ${error && html`<${Problem} error=${error} />`}
      <footer><button type="button" onClick=${close}>Cancel</button><button class="main" disabled=${!isReady}>Fold it</button></footer>
    </form>
  <//>`
}

interface ResetPreview {
  pos: number
  again: number
  never: number
  letters: number
  effects: string
  topics: { topic: string; types: { type: string; events: number }[] }[]
  command: string
  token: string
}

/** Asks for a position or moment, then previews the reset. */
export function Reset({ consumer, close }: { consumer: string; close(): void }) {
  const [position, setPosition] = useState('')
  const [at, setAt] = useState('')
  const [chosen, setChosen] = useState<{ words: string; query: string }>()
  if (chosen === undefined)
    return html`<${Dialog} title=${`Reset ${consumer}`} close=${close}>
      <form
        onSubmit=${(event: Event) => {
          event.preventDefault()
          // The moment is in UTC, like all moments on this page.
          const moment = `${at}${at.length === 16 ? ':00' : ''}Z`
          setChosen(
            position
              ? { words: `position ${position}`, query: `position=${position}` }
              : { words: moment, query: `at=${encodeURIComponent(moment)}` },
          )
        }}
      >
        <label>It continues with the first event after position <input type="number" name="position" min="0" value=${position} onInput=${(e: InputEvent) => setPosition((e.target as HTMLInputElement).value)} autofocus /></label>
        <label>or with what was appended after a moment (UTC) <input type="datetime-local" name="at" step="1" value=${at} onInput=${(e: InputEvent) => setAt((e.target as HTMLInputElement).value)} /></label>
        <footer><button type="button" onClick=${close}>Cancel</button><button class="main" disabled=${(position !== '') === (at !== '')}>Show what that means</button></footer>
      </form>
    <//>`
  const path = `/api/consumers/${encodeURIComponent(consumer)}/reset`
  return html`<${Confirm}
    title=${`Reset ${consumer} to ${chosen.words}`}
    verb="Reset"
    name=${consumer}
    preview=${() => get<ResetPreview>(`${path}?${chosen.query}`)}
    show=${({ again, never, letters, topics, effects }: ResetPreview) =>
      html`<p><strong>${plural(again, 'event')} would be handled again</strong>${never > 0 && html`, and <strong>${plural(never, 'event')} that it has not reached would never be handled</strong>`}.</p>
        ${topics.map(({ topic, types }) => types.length > 0 && html`<p class="small">${topic}: ${types.map(({ type, events }) => `${count(events)} ${type}`).join(', ')}</p>`)}
        ${letters > 0 && html`<p>${plural(letters, 'parked or skipped event')} beyond it come again with the others.</p>`}
        <p>${effects}</p>`}
    command=${(reason: string, { command }: ResetPreview) => `${command} --reason ${word(reason || 'WHY')}`}
    apply=${async ({ token, pos }: ResetPreview, reason: string) => {
      const { again, never } = await post<{ again: number; never: number }>(path, {
        token,
        reason,
        name: consumer,
        position: pos,
      })
      return html`<p>Done: ${plural(again, 'event')} again, ${count(never)} never.</p>`
    }}
    close=${close}
  />`
}
