import { Command } from 'commander'
import { readSettings } from '#platform/config/settings.ts'
import { OperatorError } from '#platform/service.ts'
import { operate } from '#services/operations/operation.ts'
import { restoreAsShown, restoredAct } from '#services/operations/restored/apply.ts'
import { previewRestoration, restorationLines } from '#services/operations/restored/preview.ts'
import { connected } from './connect.ts'
import { wholeNumber } from './numbers.ts'
import { operating } from './operating.ts'

const SKIP = 1_000_000

interface Options {
  skip: number
  thorough?: boolean
  dryRun?: boolean
  reason?: string
}

/** `restored`: lets a log continue after its database was restored from a backup. */
export const restoredCommand = (): Command =>
  new Command('restored')
    .description('let the log continue after its database was restored from a backup, without mixing old and new data')
    .option(
      '--skip <n>',
      'how many positions and ids to leave out; choose more than were used after the backup (Kafka shows some of them)',
      wholeNumber,
      SKIP,
    )
    .option(
      '--thorough',
      'compare all records of Kafka with the log, also those that every consumer has applied; this may take long',
    )
    .option('--dry-run', 'change nothing: say what was lost and what would be done')
    .option('--reason <text>', 'why; needed unless it is a dry run')
    .action(({ skip, thorough, dryRun, reason }: Options) =>
      connected(async ({ db }) => {
        if (skip < 1) throw new OperatorError('--skip must be 1 or more')
        if (!dryRun && !reason) throw new OperatorError('give a reason: --reason (or --dry-run, to see what would happen)')
        const shown = await previewRestoration(db, readSettings(), { skip, thorough, onRead: progressOn(process.stderr) })
        console.log(restorationLines(shown).join('\n'))
        if (dryRun || !reason) return
        // A halted log takes no events, so the operation is recorded afterwards, when the log continues.
        const done = await restoreAsShown(db, shown)
        const { execute, operator } = operating(db)
        console.log(await operate(execute, operator, restoredAct(reason), async () => done))
      }),
    )

const EVERY = 100_000

/** Prints a line for every 100,000 records read. */
function progressOn(stream: NodeJS.WriteStream): (records: number) => void {
  let told = 0
  return (records) => {
    if (records < told + EVERY) return
    told = records
    stream.write(`compared ${records.toLocaleString('en-US')} records of Kafka with the log\n`)
  }
}
