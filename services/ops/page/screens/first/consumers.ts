import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { ConsumerLook, Look } from '../../../../operations/look.ts'
import { rate } from '../../format.ts'
import { html } from '../../html.ts'
import { StateBadge, toneOf } from '../../parts/badge.ts'
import { Count, Duration, Unknown } from '../../parts/numbers.ts'
import { Problem } from '../../parts/problem.ts'
import { type Column, Table } from '../../parts/table.ts'
import { Owner, ParkedStreams, Trend } from './cells.ts'
import { keyOf } from './history.ts'
import { isFrozen, NextStep } from './next-step.ts'
import { settle } from './order.ts'
import { Partitions } from './partitions.ts'

const columns: readonly Column<ConsumerLook>[] = [
  { head: 'State', class: 'state', cell: ({ state }) => html`<${StateBadge} state=${state} />` },
  {
    head: 'Consumer',
    cell: ({ consumer, topic, kind }) =>
      html`<span><span class="name">${consumer}</span> <span class="small muted">${kind} of ${topic}</span></span>`,
  },
  {
    head: 'Behind',
    class: 'w6',
    isNumber: true,
    help: 'Events not yet applied',
    cell: ({ events, why }) => html`<${Count} value=${events} why=${why || 'not counted'} />`,
  },
  {
    head: 'Oldest',
    class: 'w7',
    isNumber: true,
    help: 'Age of the oldest event not applied',
    cell: ({ seconds, why }) => html`<${Duration} seconds=${seconds} why=${why || 'not known'} />`,
  },
  { head: 'Last minute', class: 'w8', cell: ({ trend, history }) => html`<${Trend} trend=${trend} history=${history} />` },
  {
    head: 'Rate',
    class: 'w5',
    isNumber: true,
    help: 'Events applied per second',
    cell: (one) => (one.rate === null ? html`<${Unknown} why="too early to say" />` : html`<span>${rate(one.rate)}/s</span>`),
  },
  {
    head: 'Done in',
    class: 'w7',
    isNumber: true,
    help: 'Until its slowest partition has caught up',
    cell: ({ etaSeconds, events }) =>
      events === 0
        ? html`<span class="muted">now</span>`
        : html`<${Duration} seconds=${etaSeconds} why="it does not come nearer" />`,
  },
  {
    head: 'Parked',
    class: 'w7',
    isNumber: true,
    help: 'Streams set aside after an error, and the age of the oldest',
    cell: (one) => html`<${ParkedStreams} ...${one} />`,
  },
  { head: 'Runs in', class: 'w14', cell: (one) => html`<${Owner} ...${one} />` },
]

/** Rows stay in place until this long after the last pointer or keyboard activity on the table. */
const HELD_MS = 4_000

interface ConsumersProps {
  look: Look
  isOperator: boolean
  relieve(consumer: string): void
}

/** All consumers: those that need attention or are working, the worst first; the others in one line that unfolds. */
export function Consumers({ look, isOperator, relieve }: ConsumersProps) {
  const { value, problem } = look.consumers
  const touchedAt = useRef(0)
  const shown = useRef<readonly string[]>([])
  const [isOpen, setOpen] = useState(() => read() === 'open')
  useEffect(() => write(isOpen ? 'open' : 'folded'), [isOpen])

  const byKey = useMemo(() => new Map((value ?? []).map((one) => [keyOf(one), one])), [value])
  if (value === undefined) return html`<section class="card"><h2>Consumers</h2><${Problem} error=${problem} /></section>`

  const isHeld = performance.now() - touchedAt.current < HELD_MS
  const busy = settle(shown.current, value.filter(({ state }) => state !== 'OK').map(keyOf), isHeld)
  shown.current = busy
  const well = value
    .filter(({ state }) => state === 'OK')
    .map(keyOf)
    .sort()
  const touch = () => {
    touchedAt.current = performance.now()
  }
  /** One gone or frozen process stops many consumers: show the shared remedy only once. */
  const asAbove = new Set(
    busy.filter((key, i) => {
      const [one, above] = [byKey.get(key)!, byKey.get(busy[i - 1] ?? '')]
      if (above?.next === undefined || one.owner?.id !== above.owner?.id) return false
      return one.next === above.next || (isFrozen(one) && isFrozen(above))
    }),
  )
  const table = (keys: readonly string[], caption: string) => html`<${Table}
    caption=${caption}
    columns=${columns}
    rows=${keys.map((key) => byKey.get(key)!)}
    keyOf=${keyOf}
    isSteady
    classOf=${({ state }: ConsumerLook) => toneOf(state)}
    note=${(one: ConsumerLook) => (one.why || one.next ? html`<${NextStep} of=${one} isOperator=${isOperator} isAsAbove=${asAbove.has(keyOf(one))} relieve=${relieve} />` : null)}
    details=${(one: ConsumerLook) => html`<${Partitions} look=${one} />`}
    detailsName=${({ consumer, topic }: ConsumerLook) => `Partitions of ${consumer}, ${topic}`}
  />`

  return html`<section class="card live" aria-labelledby="consumers" onPointerMove=${touch} onFocusIn=${touch} onKeyDown=${touch}>
    <h2 id="consumers">
      Consumers <span class="muted">log ${look.log}, head ${look.head === null ? html`<${Unknown} why="the log cannot be read" />` : html`<${Count} value=${look.head} />`}</span>
    </h2>
    ${busy.length > 0 && html`<div class="wrap">${table(busy, 'Consumers that are not at rest, the worst first')}</div>`}
    ${
      well.length > 0 &&
      html`<button type="button" class="folded" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>
        <span class="turn" aria-hidden="true">▸</span><${StateBadge} state="OK" />
        <span>${busy.length === 0 ? 'all ' : ''}${well.length} ${well.length === 1 ? 'is' : 'are'} well</span>
      </button>`
    }
    ${isOpen && well.length > 0 && html`<div class="wrap">${table(well, 'Consumers that are well')}</div>`}
    ${value.length === 0 && html`<p class="nothing">No consumer has ever run here.</p>`}
  </section>`
}

const FOLDED = 'vidwiz ops: those that are well'
// Without storage the list starts folded each time.
const read = () => {
  try {
    return localStorage.getItem(FOLDED)
  } catch {
    return null
  }
}
const write = (value: string) => {
  try {
    localStorage.setItem(FOLDED, value)
  } catch {}
}
