import { Command } from 'commander'
import { readSettings } from '#platform/config/settings.ts'
import { OperatorError } from '#platform/service.ts'
import { operate } from '#services/operations/operation.ts'
import { previewRelief, reliefLines, relieve, relieveAct } from '#services/operations/relieve.ts'
import { connected } from './connect.ts'
import { operating } from './operating.ts'

/** `relieve`: takes a consumer from a frozen process, so that another process continues it. */
export const relieveCommand = (): Command =>
  new Command('relieve')
    .description('take a consumer from a frozen process, so that another process continues it')
    .argument('<consumer>', 'for example notes')
    .option('--dry-run', 'change nothing: say who is frozen, and what would be done to it')
    .option('--reason <text>', 'why; kept with the operation')
    .action((consumer: string, { dryRun, reason }: { dryRun?: boolean; reason?: string }) =>
      connected(async ({ db }) => {
        const relief = await previewRelief(db, readSettings(), consumer)
        if (dryRun) return console.log(reliefLines(relief).join('\n'))
        const { execute, operator } = operating(db)
        const { summary, isTakenOver } = await operate(execute, operator, { ...relieveAct(consumer), reason }, () =>
          relieve(db, relief),
        )
        if (!isTakenOver) throw new OperatorError(summary)
        console.log(summary)
      }),
    )
