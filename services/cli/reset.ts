import { Command } from 'commander'
import { OperatorError } from '#platform/service.ts'
import { operate } from '#services/operations/operation.ts'
import { positionOf } from '#services/operations/replays/past.ts'
import { previewReset, resetAct, resetAsShown, resetText } from '#services/operations/reset.ts'
import { connected } from './connect.ts'
import { moment } from './moment.ts'
import { wholeNumber } from './numbers.ts'
import { operating } from './operating.ts'

interface Options {
  toPosition?: number
  toTime?: number
  dryRun?: boolean
  reason?: string
}

export const resetCommand = (): Command =>
  new Command('reset')
    .description('let a reactor or a bridge continue from another position of the log; views are rebuilt instead')
    .argument('<consumer>', 'for example fetch-scheduler')
    .option('--to-position <n>', 'continue with the first event after this position; 0 is the beginning', wholeNumber)
    .option('--to-time <moment>', 'continue with the first event after this moment, for example 2026-11-28T05:00Z', moment)
    .option('--dry-run', 'change nothing: say what would be handled again, and what cannot happen twice')
    .option('--reason <text>', 'why; needed unless it is a dry run')
    .action((consumer: string, { toPosition, toTime, dryRun, reason }: Options) =>
      connected(async ({ db }) => {
        if ((toPosition === undefined) === (toTime === undefined))
          throw new OperatorError('give either --to-position or --to-time')
        const pos = await positionOf(db, { pos: toPosition, at: toTime })
        const preview = await previewReset(db, consumer, pos)
        if (dryRun) return console.log(resetText(preview))
        if (!reason) throw new OperatorError('give a reason: --reason (or --dry-run, to see what would happen)')
        const { execute, operator } = operating(db)
        const done = await operate(execute, operator, resetAct(preview, reason), async () => {
          const { summary } = await resetAsShown(db, preview)
          return { result: summary, summary }
        })
        console.log(`${consumer} ${done}`)
      }),
    )
