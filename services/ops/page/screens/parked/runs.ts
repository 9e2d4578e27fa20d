import { useEffect, useState } from 'preact/hooks'
import type { Run as ServerRun } from '../../../runs.ts'
import { del, get } from '../../api.ts'
import { plural } from '../../format.ts'
import { html } from '../../html.ts'
import { Tag } from '../../parts/badge.ts'
import { Command } from '../../parts/command.ts'
import { Age } from '../../parts/numbers.ts'
import { Problem } from '../../parts/problem.ts'
import { Progress } from '../../parts/progress.ts'

export type Run = ServerRun

const LOOK_MS = 500

/** Running redrives, and the last one that ended. */
export function Runs({ runs, isOperator, changed }: { runs: readonly Run[]; isOperator: boolean; changed(): void }) {
  const shown = runs.filter((run, i) => run.endedAt === null || i === 0)
  return html`${shown.map((run) => html`<${RunCard} key=${run.operation} begun=${run} isOperator=${isOperator} changed=${changed} />`)}`
}

/** Progress of a redrive, and the result for each stream. */
export function RunCard({ begun, isOperator, changed }: { begun: Run; isOperator: boolean; changed(): void }) {
  const [run, setRun] = useState(begun)
  const [error, setError] = useState<Error>()
  const isOver = run.endedAt !== null
  useEffect(() => {
    if (isOver) return
    let timer: ReturnType<typeof setTimeout>
    let isGone = false
    const look = () =>
      get<Run>(`/api/parked/runs/${run.operation}`)
        .then((run) => {
          if (isGone) return
          setError(undefined)
          setRun(run)
          if (run.endedAt !== null) changed()
        }, setError)
        .finally(() => {
          if (!isGone) timer = setTimeout(look, LOOK_MS)
        })
    look()
    return () => {
      isGone = true
      clearTimeout(timer)
    }
  }, [isOver, run.operation])
  const { progress, result } = run
  const cancel = () => del<Run>(`/api/parked/runs/${run.operation}`).catch(setError)

  return html`<section class="card" data-run=${run.operation}>
    <h2>Redrive of ${run.target} <span class="muted"><${Age} at=${run.startedAt} suffix=" ago" /></span></h2>
    ${
      !isOver &&
      html`<${Progress}
          label=${`Redrive of ${run.target}`}
          done=${progress?.done ?? 0}
          total=${progress?.total ?? 0}
          rate=${progress?.rate}
          etaSeconds=${progress?.etaMs === undefined ? null : progress.etaMs / 1_000}
        />
        ${isOperator && html`<button type="button" onClick=${cancel}>End it</button>`}`
    }
    <${Problem} error=${run.error ?? error} />
    ${
      result &&
      html`<p role="status">
          <${Tag} tone=${result.isCancelled ? 'dim' : result.parked > 0 ? 'warn' : 'ok'}>${result.isCancelled ? 'ended early' : 'done'}<//>
          ${plural(result.streams, 'stream')} tried: ${plural(result.applied, 'event')} applied, ${result.parked} still parked in ${plural(result.stillParked, 'stream')}.
          ${result.untaken.map((consumer) => html`<strong>${consumer} has not tried its events yet; it will when it runs.</strong> `)}
        </p>
        ${
          result.results.length > 0 &&
          html`<details>
            <summary>Each stream</summary>
            <ul>
              ${result.results.slice(0, 200).map(({ consumer, stream, applied, parked, cause }) => html`<li key=${`${consumer} ${stream}`}>${consumer} ${stream}: ${applied} applied${parked > 0 && html`, <strong>${parked} still parked</strong>: ${cause}`}</li>`)}
              ${result.streams > 200 && html`<li class="muted">… and ${result.streams - 200} more</li>`}
            </ul>
          </details>`
        }`
    }
    <${Command} line=${run.command} />
  </section>`
}
