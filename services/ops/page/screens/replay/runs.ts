import { useEffect, useState } from 'preact/hooks'
import type { Look } from '../../../../operations/look.ts'
import { get, post } from '../../api.ts'
import { duration, plural } from '../../format.ts'
import { html } from '../../html.ts'
import { useLoaded } from '../../loaded.ts'
import { Tag, type Tone } from '../../parts/badge.ts'
import { Age, Moment } from '../../parts/numbers.ts'
import { Problem } from '../../parts/problem.ts'
import { Progress } from '../../parts/progress.ts'
import { type Column, Table } from '../../parts/table.ts'
import { hrefTo } from '../../routing.ts'
import { Differences } from './differences.ts'
import type { Compared, PastView, ReplayRun } from './types.ts'

const TONES: Record<string, Tone> = { done: 'ok', failed: 'bad', 'cut off': 'bad', cancelled: 'dim' }
const LOOK_MS = 500

type Whole = ReplayRun & { result: unknown; hasDifferences: boolean }

/** One replay: its progress, then its result with all differences. */
export function Replay({ id, isOperator, on, changed }: { id: string; isOperator: boolean; on: unknown; changed(): void }) {
  const [times, setTimes] = useState(0)
  const { value, error, reload } = useLoaded(
    (signal) => get<Whole>(`/api/replays/${encodeURIComponent(id)}`, signal),
    [id, on, times],
  )
  const runs = value !== undefined && value.outcome === null
  useEffect(() => {
    if (!runs) return
    const timer = setTimeout(() => setTimes((n) => n + 1), LOOK_MS)
    return () => clearTimeout(timer)
  }, [runs, value])
  // Tell the list below that it has ended.
  useEffect(() => {
    if (value?.outcome) changed()
  }, [value?.outcome])
  return html`<section class="card" aria-label="Replay">
    <${Problem} error=${error} reload=${reload} />
    ${value && html`<${Card} run=${value} isOperator=${isOperator} />`}
  </section>`
}

function Card({ run, isOperator }: { run: Whole; isOperator: boolean }) {
  const { act, view, who, phase, outcome, startedAt, endedAt, error, result } = run
  return html`<h2>
      ${act} of ${view} <${Tag} tone=${outcome === null ? 'busy' : (TONES[outcome] ?? 'dim')}>${outcome ?? phase}<//>
    </h2>
    <p class="muted">Begun by ${who} <${Age} at=${startedAt} suffix=" ago" />${endedAt !== null && html`, took ${duration((endedAt - startedAt) / 1_000)}`}</p>
    ${
      outcome === null &&
      html`<${Progress} label=${`${act} of ${view}`} done=${run.events} total=${run.total} rate=${run.rate} etaSeconds=${run.etaSeconds} pace=${run.pace} />
        ${isOperator && html`<${Cancel} id=${run.id} />`}`
    }
    ${error && html`<pre class="wrap">${error}</pre>`}
    ${outcome === 'done' && html`<${Result} run=${run} result=${result} isOperator=${isOperator} />`}`
}

function Result({
  run: { id, act, view, hasDifferences },
  result,
  isOperator,
}: {
  run: Whole
  result: unknown
  isOperator: boolean
}) {
  if (act === 'dry-run' || act === 'verify') {
    const compared = result as Compared
    const differs = compared.missing + compared.extra + compared.different > 0
    return html`<${Differences} compared=${compared} sides=${['Live', 'Replayed']} words=${['added', 'changed', 'removed']} />
      ${differs && hasDifferences && isOperator && html`<${Download} id=${id} view=${view} />`}`
  }
  if (act === 'as-of') {
    const { pos, rows, table } = result as PastView
    return html`<p>${plural(rows, 'row')} as of position ${pos}, listed below; in Postgres: <code>${table}</code></p>`
  }
  const { rows, events, parked } = result as { rows: number; events: number; parked: number }
  return html`<p>${plural(rows, 'row')} from ${plural(events, 'event')}${parked > 0 && `; ${plural(parked, 'event')} stay parked`}.</p>`
}

function Cancel({ id }: { id: string }) {
  const [state, setState] = useState<'' | 'asked' | Error>('')
  const cancel = () => post(`/api/replays/${id}/cancel`).then(() => setState('asked'), setState)
  return html`<p class="row">
    <button type="button" disabled=${state === 'asked'} onClick=${cancel}>${state === 'asked' ? 'It ends …' : 'Cancel'}</button>
    <span class="muted">Until the swap nothing has changed.</span>
    ${state instanceof Error && html`<${Problem} error=${state} />`}
  </p>`
}

/** Download of all differing rows, unmasked. Needs a reason and is recorded. */
function Download({ id, view }: { id: string; view: string }) {
  const [reason, setReason] = useState('')
  const [error, setError] = useState<Error>()
  const onSubmit = async (event: Event) => {
    event.preventDefault()
    setError(undefined)
    try {
      const response = await fetch(`/api/replays/${id}/differences`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ reason }),
      })
      if (!response.ok) throw new Error(`The server refused it (${response.status}): ${await response.text()}`)
      const link = document.createElement('a')
      link.href = URL.createObjectURL(await response.blob())
      link.download = `${view}-differences.jsonl`
      link.click()
      URL.revokeObjectURL(link.href)
    } catch (error) {
      setError(error as Error)
    }
  }
  return html`<form class="inline" onSubmit=${onSubmit}>
    <label>All rows, with every text. Why do you need them? It is recorded. <input required minlength="3" maxlength="500" autocomplete="off" value=${reason} onInput=${(e: InputEvent) => setReason((e.target as HTMLInputElement).value)} /></label>
    <button>Download</button> ${error && html`<${Problem} error=${error} />`}
  </form>`
}

/** Past and running replays: what, by whom, for how long. Running ones follow the look. */
export function History({ replays, look }: { replays: ReplayRun[]; look: Look | undefined }) {
  const moving = new Map((look && 'value' in look.replays ? (look.replays.value ?? []) : []).map((one) => [one.id, one]))
  const rows = replays.map((one) => (one.outcome === null ? { ...one, ...moving.get(one.id) } : one))
  const columns: readonly Column<ReplayRun>[] = [
    { head: 'When', cell: ({ startedAt }) => html`<${Moment} at=${startedAt} />` },
    { head: 'What', cell: ({ id, act, view }) => html`<a href=${hrefTo('replay', id)}>${act} of ${view}</a>` },
    { head: 'Who', cell: ({ who }) => who },
    { head: 'Why', cell: ({ reason }) => reason ?? html`<span class="muted">no reason given</span>` },
    {
      head: 'Outcome',
      class: 'wide',
      cell: ({ outcome, phase, events, total, rate, etaSeconds, pace, act, view, error, cancelled }) =>
        outcome === null
          ? html`<span class="bits"><${Tag} tone="busy">${phase}<//><${Progress} label=${`${act} of ${view}`} done=${events} total=${total} rate=${rate} etaSeconds=${etaSeconds} pace=${pace} /></span>`
          : html`<span><${Tag} tone=${TONES[outcome] ?? 'dim'}>${outcome}<//> <span class="wrap">${error?.split('\n')[0] ?? (outcome === 'done' && cancelled ? 'it was too late to end it' : '')}</span></span>`,
    },
    {
      head: 'Took',
      isNumber: true,
      cell: ({ startedAt, endedAt }) =>
        endedAt === null ? html`<span class="muted">–</span>` : duration((endedAt - startedAt) / 1_000),
    },
  ]
  return html`<${Table}
    caption="What was replayed"
    showCaption
    columns=${columns}
    rows=${rows}
    keyOf=${({ id }: ReplayRun) => id}
    empty="Nothing was replayed yet."
  />`
}
