import { Command } from 'commander'
import { giveWay } from '#platform/background.ts'
import { pasteable } from '#platform/config/pasteable.ts'
import { OperatorError } from '#platform/service.ts'
import { replayHistory } from '#services/operations/replays/history.ts'
import { rebuiltText } from '#services/operations/replays/replay.ts'
import { describeComparison } from './comparison.ts'
import { connected } from './connect.ts'
import { wholeNumber } from './numbers.ts'
import { progressPrinter } from './progress.ts'
import { operator } from './recorded.ts'
import { replayed } from './replaying.ts'
import { historyText } from './replays.ts'
import { viewArgument, viewNamed } from './view.ts'

interface Options {
  dryRun?: boolean
  differences?: string
  reason?: string
  history?: boolean
  downTo?: number
}

export const rebuildCommand = (): Command =>
  new Command('rebuild')
    .description('rebuild a view from the log, then swap it in. Reads continue meanwhile. Ctrl-C cancels it and changes nothing')
    .addArgument(viewArgument())
    .option('--dry-run', 'change nothing: show how the rebuilt rows would differ from the live ones')
    .option('--differences <file>', 'with --dry-run: write all rows that differ there, as lines of JSON')
    .option('--reason <text>', 'why; kept with the operation')
    .option(
      '--down-to <version>',
      'replace a live view of newer code by the version of this code; processes of the newer code then stand by',
      wholeNumber,
    )
    .option('--history', 'change nothing: show who rebuilt it when, why and for how long')
    .action((name: string, { dryRun, differences, reason, history, downTo }: Options) =>
      connected(async (connection) => {
        const view = viewNamed(name)
        if (history)
          return console.log(historyText(await replayHistory(connection.db, { view: name, act: 'rebuild', limit: 20 })))
        if (differences && !dryRun) throw new OperatorError('--differences goes with --dry-run')
        if (downTo !== undefined && dryRun) throw new OperatorError('--down-to does not go with --dry-run: that changes nothing')
        if (downTo !== undefined && downTo !== view.version)
          throw new OperatorError(`this code knows version ${view.version} of the view ${name}, not ${downTo}`)
        giveWay()
        const progress = progressPrinter(name)
        const { name: by } = operator()
        const said = { reason, onProgress: progress.show }
        if (dryRun) {
          const replay = { act: 'dry-run', view, by, differencesTo: differences } as const
          const comparison = await replayed(connection, replay, { ...said, command: `vidwiz rebuild ${name} --dry-run` }).finally(
            progress.end,
          )
          console.log(describeComparison(name, comparison))
        } else {
          const done = await replayed(
            connection,
            { act: 'rebuild', view, by, downTo },
            { ...said, command: `vidwiz rebuild ${name}${downTo === undefined ? '' : ` --down-to ${downTo}`}` },
          ).finally(progress.end)
          console.log(pasteable(`${name}: ${rebuiltText(done)}${done.parked > 0 ? ` (npx vidwiz letters ${name})` : ''}`))
        }
      }),
    )
