import { useState } from 'preact/hooks'
import type { Look, ReplayLook } from '../../../../operations/look.ts'
import { html } from '../../html.ts'
import { Tag } from '../../parts/badge.ts'
import { Age, Count, Moment } from '../../parts/numbers.ts'
import { Problem } from '../../parts/problem.ts'
import { Progress } from '../../parts/progress.ts'
import { type Column, Table } from '../../parts/table.ts'
import { hrefTo } from '../../routing.ts'
import { RedriveRequests, ResumeHelpers } from './acts.ts'

interface CardProps {
  look: Look
  isOperator: boolean
}

/** The circuit breaker that stops helpers from asking YouTube after it refused them. */
export function BreakerCard({ look, isOperator }: CardProps) {
  const { value, problem } = look.breaker
  const [isResuming, setResuming] = useState(false)
  return html`<section class="card live" aria-labelledby="breaker">
    <h2 id="breaker">Helpers and YouTube</h2>
    ${value === undefined && html`<${Problem} error=${problem} />`}
    ${value?.state === 'closed' && html`<p><${Tag} tone="ok">asking<//> <span class="muted">YouTube may be asked</span></p>`}
    ${
      value &&
      value.state !== 'closed' &&
      html`<p class="why warn">
          <${Tag} tone="warn">${value.state === 'open' ? 'paused' : 'trying with one task'}<//>
          <span class="said">${value.reason}</span>
          ${isOperator && html`<button type="button" onClick=${() => setResuming(true)}>Resume now</button>`}
        </p>
        <dl class="facts">
          <dt>Since</dt>
          <dd class="bits"><${Moment} at=${value.since} /><span class="muted"><${Age} at=${value.since} suffix=" ago" /></span></dd>
          <dt>Until</dt>
          <dd><${Moment} at=${value.until} /></dd>
          <dt>In a row</dt>
          <dd class="number">${value.times}</dd>
        </dl>`
    }
    ${isResuming && html`<${ResumeHelpers} close=${() => setResuming(false)} />`}
  </section>`
}

type TaskCount = NonNullable<Look['tasks']['value']>[number]
const taskColumns: readonly Column<TaskCount>[] = [
  { head: 'Status', cell: ({ status }) => (status === 'failed' ? html`<${Tag} tone="warn">${status}<//>` : status) },
  { head: 'Tasks', isNumber: true, cell: ({ tasks }) => html`<${Count} value=${tasks} />` },
  {
    head: 'Oldest',
    isNumber: true,
    cell: ({ oldestAt, tasks }) =>
      tasks === 0 ? html`<span class="muted">none</span>` : html`<${Age} at=${oldestAt} why="not known" />`,
  },
]

/** Tasks for helpers, by status. */
export function Tasks({ look }: CardProps) {
  const { value, problem } = look.tasks
  return html`<section class="card live" aria-labelledby="tasks">
    <h2 id="tasks">Tasks for helpers</h2>
    ${
      value === undefined
        ? html`<${Problem} error=${problem} />`
        : html`<${Table} caption="Tasks by status" columns=${taskColumns} rows=${value} keyOf=${({ status }: TaskCount) => status} empty="none wait, none failed" />`
    }
  </section>`
}

type RequestCount = NonNullable<Look['requests']['value']>[number]

/** Failed so often that it is not asked again automatically. */
const GIVEN_UP = 'given-up'

/** Requests to models. */
export function Requests({ look, isOperator }: CardProps) {
  const { value, problem } = look.requests
  const [redriving, redrive] = useState<string>()
  const askAgain = (kind: string) =>
    html`<button type="button" onClick=${() => redrive(kind)} aria-label=${`Ask again for each ${kind} that was given up`}>Ask again</button>`
  const columns: readonly Column<RequestCount>[] = [
    { head: 'Kind', cell: ({ kind }) => html`<span class="name">${kind}</span>` },
    {
      head: 'Status',
      cell: ({ status, kind }) =>
        status === GIVEN_UP
          ? html`<span class="bits"><${Tag} tone="warn">given up<//>${isOperator && askAgain(kind)}</span>`
          : status,
    },
    { head: 'Requests', isNumber: true, cell: ({ requests }) => html`<${Count} value=${requests} />` },
    { head: 'Oldest', isNumber: true, cell: ({ since }) => html`<${Age} at=${since} why="not known" />` },
  ]
  return html`<section class="card live" aria-labelledby="requests">
    <h2 id="requests">Requests to models</h2>
    ${
      value === undefined
        ? html`<${Problem} error=${problem} />`
        : html`<${Table} caption="Requests by kind and status" columns=${columns} rows=${value} keyOf=${({ kind, status }: RequestCount) => `${kind} ${status}`} empty="none wait, none were given up" />`
    }
    ${redriving !== undefined && html`<${RedriveRequests} kind=${redriving} close=${() => redrive(undefined)} />`}
  </section>`
}

/** Rebuilds, dry runs and other replays that are running. */
export function Replays({ look }: CardProps) {
  const { value, problem } = look.replays
  return html`<section class="card live" aria-labelledby="replays">
    <h2 id="replays">Replays that run</h2>
    ${value === undefined && html`<${Problem} error=${problem} />`}
    ${value?.length === 0 && html`<p class="muted">none; <a href=${hrefTo('replay')}>start one</a></p>`}
    ${value?.map(
      (one: ReplayLook) => html`<div key=${one.id}>
        <p>
          <span class="name">${one.act}</span> of <a href=${hrefTo('replay', '', { view: one.view })}>${one.view}</a>
          <span class="muted"> · ${one.phase} · began <${Age} at=${one.startedAt} suffix=" ago" /></span>
        </p>
        <${Progress} label=${`${one.act} of ${one.view}`} done=${one.events} total=${one.total} rate=${one.rate} etaSeconds=${one.etaSeconds} pace=${one.pace} />
      </div>`,
    )}
  </section>`
}
