import { Command } from 'commander'
import { giveWay } from '#platform/background.ts'
import { Trouble } from '#platform/service.ts'
import { compare } from '#projections/engine/compare.ts'
import { RebuildRefused, rebuild, SwapRefused } from '#projections/engine/rebuild.ts'
import { ReplayStopped } from '#projections/engine/replay.ts'
import { describeComparison } from './comparison.ts'
import { connected } from './connect.ts'
import { progressPrinter } from './progress.ts'
import { viewArgument, viewNamed } from './view.ts'

export const rebuildCommand = (): Command =>
  new Command('rebuild')
    .description('build a view anew from the log, then swap it in; live reads go on meanwhile')
    .addArgument(viewArgument())
    .option('--dry-run', 'change nothing: show how the rebuilt rows would differ from the live ones')
    .action((name: string, options: { dryRun?: boolean }) =>
      connected(async ({ db, reader }) => {
        const view = viewNamed(name)
        giveWay()
        const progress = progressPrinter(name)
        try {
          if (options.dryRun) {
            const comparison = await compare(view, { db, reader, onProgress: progress.show })
            progress.end()
            console.log(describeComparison(name, comparison))
          } else {
            const done = (await rebuild(view, { db, reader, onProgress: progress.show }))!
            progress.end()
            const parked = done.parked > 0 ? `; ${done.parked} events stay parked (vidwiz letters ${name})` : ''
            console.log(
              `${name}: rebuilt ${done.rows.toLocaleString('en')} rows from ${done.events.toLocaleString('en')} events in ${(done.tookMs / 1000).toFixed(1)} s${parked}`,
            )
          }
        } catch (error) {
          progress.end()
          const expected = [RebuildRefused, ReplayStopped, SwapRefused].some((kind) => error instanceof kind)
          throw expected ? new Trouble((error as Error).message, { cause: error }) : error
        }
      }),
    )
