import { Command } from 'commander'
import { isClean } from '#projections/engine/compare.ts'
import { views } from '#projections/index.ts'
import { describeComparison } from './comparison.ts'
import { connected } from './connect.ts'
import { wholeNumber } from './numbers.ts'
import { progressPrinter } from './progress.ts'
import { operator } from './recorded.ts'
import { fullSpeedOption, replayed } from './replaying.ts'
import { viewArgument, viewNamed } from './view.ts'

export const verifyCommand = (): Command =>
  new Command('verify')
    .description('compare every view (or one) with its replay; exit code 1 and the differing rows if they are not equal')
    .addArgument(viewArgument().argOptional())
    .option('--rows <n>', 'show at most this many differing rows of a view', wholeNumber, 20)
    .addOption(fullSpeedOption())
    .action((name: string | undefined, options: { rows: number; fullSpeed?: boolean }) =>
      connected(async (connection) => {
        for (const view of name ? [viewNamed(name)] : views) {
          const progress = progressPrinter(view.name)
          const onProgress = process.stderr.isTTY ? progress.show : undefined
          const comparison = await replayed(
            connection,
            { act: 'verify', view, by: operator().name, limit: options.rows },
            { command: `vidwiz verify ${view.name}`, onProgress, fullSpeed: options.fullSpeed },
          ).finally(progress.end)
          console.log(describeComparison(view.name, comparison))
          // A column that the live table lacks is not compared, and still missing.
          if (!isClean(comparison) || comparison.columns.added.length > 0) process.exitCode = 1
        }
      }),
    )
