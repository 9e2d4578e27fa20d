import { Command } from 'commander'
import { pasteable } from '#platform/config/pasteable.ts'
import { OperatorError } from '#platform/service.ts'
import type { Shared } from '#projections/engine/rebuild.ts'
import { rebuildTogether } from '#projections/engine/together.ts'
import type { View } from '#projections/engine/view.ts'
import { views } from '#projections/index.ts'
import { replayHistory } from '#services/operations/replays/history.ts'
import { rebuiltText } from '#services/operations/replays/replay.ts'
import { describeComparison } from './comparison.ts'
import { type Connection, connected } from './connect.ts'
import { wholeNumber } from './numbers.ts'
import { progressPrinter } from './progress.ts'
import { operator } from './recorded.ts'
import { fullSpeedOption, replayed } from './replaying.ts'
import { historyText } from './replays.ts'
import { viewArgument, viewNamed } from './view.ts'

interface Options {
  all?: boolean
  dryRun?: boolean
  differences?: string
  reason?: string
  history?: boolean
  downTo?: number
  fullSpeed?: boolean
}

export const rebuildCommand = (): Command =>
  new Command('rebuild')
    .description('rebuild a view from the log, then swap it in. Reads continue meanwhile. Ctrl-C cancels it and changes nothing')
    .addArgument(viewArgument().argOptional())
    .option('--all', 'rebuild every view; each topic is read once for all its views')
    .option('--dry-run', 'change nothing: show how the rebuilt rows would differ from the live ones')
    .option('--differences <file>', 'with --dry-run: write all rows that differ there, as lines of JSON')
    .option('--reason <text>', 'why; kept with the operation')
    .option(
      '--down-to <version>',
      'replace a live view of newer code by the version of this code; processes of the newer code then stand by',
      wholeNumber,
    )
    .addOption(fullSpeedOption())
    .option('--history', 'change nothing: show who rebuilt it when, why and for how long')
    .action((name: string | undefined, options: Options) => {
      refuseMixed(name, options)
      return connected((connection) => (name === undefined ? all(connection, options) : one(connection, name, options)))
    })

/** @throws OperatorError for options that do not go together */
function refuseMixed(name: string | undefined, { all, dryRun, differences, history, downTo }: Options): void {
  if (name === undefined && !all) throw new OperatorError('name a view, or say --all')
  if (name !== undefined && all) throw new OperatorError('--all rebuilds every view: leave the name out')
  if (all && (dryRun || history || downTo !== undefined))
    throw new OperatorError('--dry-run, --history and --down-to go with one view; `npx vidwiz verify` compares every view')
  if (differences && !dryRun) throw new OperatorError('--differences goes with --dry-run')
  if (downTo === undefined || name === undefined) return
  if (dryRun) throw new OperatorError('--down-to does not go with --dry-run: that changes nothing')
  const { version } = viewNamed(name)
  if (downTo !== version) throw new OperatorError(`this code knows version ${version} of the view ${name}, not ${downTo}`)
}

async function one(connection: Connection, name: string, options: Options): Promise<void> {
  const { dryRun, differences, reason, history, downTo, fullSpeed } = options
  const view = viewNamed(name)
  if (history) return console.log(historyText(await replayHistory(connection.db, { view: name, act: 'rebuild', limit: 20 })))
  const progress = progressPrinter(name)
  if (dryRun) {
    const replay = { act: 'dry-run', view, by: operator().name, differencesTo: differences } as const
    const said = { reason, fullSpeed, onProgress: progress.show, command: `vidwiz rebuild ${name} --dry-run` }
    const comparison = await replayed(connection, replay, said).finally(progress.end)
    console.log(describeComparison(name, comparison))
  } else {
    const rebuilding = { reason, downTo, fullSpeed, onProgress: progress.show }
    console.log(await rebuiltLine(connection, view, rebuilding).finally(progress.end))
  }
}

/** Rebuilds every view. Exit code 1 when one fails; the others are rebuilt all the same, except after Ctrl-C. */
async function all(connection: Connection, { reason, fullSpeed }: Options): Promise<void> {
  let isEnded = false
  const end = () => {
    isEnded = true
  }
  process.on('SIGINT', end).on('SIGTERM', end)
  const running = new Set<View>()
  const rebuildOne = (view: View, shared: Shared) => {
    running.add(view)
    const printer = progressPrinter(view.name)
    // Views of a topic advance together, so one of them tells for all.
    const onProgress: ReturnType<typeof progressPrinter>['show'] = (progress) => {
      if (view === [...running][0]) printer.show(progress)
    }
    return rebuiltLine(connection, view, { reason, fullSpeed, shared, onProgress }).finally(() => {
      printer.end()
      running.delete(view)
    })
  }
  for await (const ofTopic of rebuildTogether(views, { ...connection, fullSpeed }, rebuildOne)) {
    for (const { view, outcome } of ofTopic) {
      if (outcome.status === 'fulfilled') console.log(outcome.value)
      else {
        const { reason } = outcome
        console.error(`${view.name}:`, reason instanceof OperatorError ? reason.message : reason)
        process.exitCode = 1
      }
    }
    if (isEnded) break
  }
  process.off('SIGINT', end).off('SIGTERM', end)
}

interface Rebuilding {
  reason: string | undefined
  downTo?: number | undefined
  fullSpeed?: boolean | undefined
  shared?: Shared
  onProgress: ReturnType<typeof progressPrinter>['show']
}

/** Rebuilds a view. @returns what to print about it */
async function rebuiltLine(
  connection: Connection,
  view: View,
  { reason, downTo, fullSpeed, shared, onProgress }: Rebuilding,
): Promise<string> {
  const { name } = view
  const done = await replayed(
    connection,
    { act: 'rebuild', view, by: operator().name, downTo, shared },
    { reason, fullSpeed, onProgress, command: `vidwiz rebuild ${name}${downTo === undefined ? '' : ` --down-to ${downTo}`}` },
  )
  return pasteable(`${name}: ${rebuiltText(done)}${done.parked > 0 ? ` (npx vidwiz letters ${name})` : ''}`)
}
