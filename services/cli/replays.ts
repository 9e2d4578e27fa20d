import { Command } from 'commander'
import { OperatorError } from '#platform/service.ts'
import { operate } from '#services/operations/operation.ts'
import { askToEnd, cancelAct, outcomeText } from '#services/operations/replays/cancel.ts'
import { type ReplayTold, replayHistory } from '#services/operations/replays/history.ts'
import { connected } from './connect.ts'
import { wholeNumber } from './numbers.ts'
import { operating } from './operating.ts'
import { table } from './table.ts'

/** `replays` and `replays cancel`: lists running and ended replays, and ends one. */
export function replaysCommand(): Command {
  const command = new Command('replays')
    .description('rebuilds, dry runs, comparisons and views as they were: those that run and those that have ended')
    .option('--view <name>', 'only of this view')
    .option('--limit <n>', 'at most this many, the newest first', wholeNumber, 20)
    .option('--json', 'one JSON object per line')
    .action(({ view, limit, json }: { view?: string; limit: number; json?: boolean }) =>
      connected(async ({ db }) => {
        const rows = await replayHistory(db, { view, limit })
        if (json) for (const row of rows) console.log(JSON.stringify(row))
        else console.log(historyText(rows))
      }),
    )
  command
    .command('cancel')
    .description('cancel a running replay, on any machine; it then changes nothing')
    .argument('<id>', 'as `npx vidwiz replays` shows it')
    .option('--reason <text>', 'why')
    .action((id: string, { reason }: { reason?: string }) =>
      connected(async ({ db }) => {
        const { execute, operator } = operating(db)
        if (!UUID.test(id)) throw new OperatorError(`${id} is no id of a replay`)
        await operate(execute, operator, cancelAct(id, reason), () => askToEnd(db, id))
        console.log(`${id}: asked to end`)
      }),
    )
  return command
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export const historyText = (rows: readonly ReplayTold[]) =>
  rows.length > 0 ? table(HEAD, rows.map(cells), HEAD.length) : 'nothing was replayed yet'

const HEAD = ['ID', 'WHAT', 'VIEW', 'WHO', 'BEGAN', 'TOOK', 'EVENTS', 'OUTCOME', 'WHY']

const cells = ({
  id,
  act,
  view,
  who,
  startedAt,
  endedAt,
  beatAt,
  events,
  total,
  phase,
  outcome,
  cancelled,
  error,
  reason,
}: ReplayTold) => [
  id,
  act,
  view,
  who,
  new Date(startedAt).toISOString(),
  `${(((endedAt ?? beatAt) - startedAt) / 1000).toFixed(1)} s`,
  outcome === null ? `${events.toLocaleString('en')} of ${total.toLocaleString('en')}` : events.toLocaleString('en'),
  outcome === null ? `runs: ${phase}` : error ? `${outcome}: ${error.split('\n')[0]}` : outcomeText({ outcome, cancelled }),
  reason ?? '-',
]
