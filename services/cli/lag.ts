import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { lagOf, type PartitionLag } from '#projections/engine/lag.ts'
import { views } from '#projections/index.ts'
import { connected } from './connect.ts'

const WATCH_MS = 1_000

interface Options {
  json?: boolean
  watch?: boolean
  all?: boolean
}

export const lagCommand = (): Command =>
  new Command('lag')
    .description('how far each consumer is behind the log, per partition, in events and in seconds')
    .option('--all', 'also the partitions that are not behind')
    .option('--json', 'one JSON array')
    .option('--watch', 'again every second, until Ctrl-C')
    .action((options: Options) =>
      connected(async ({ db, reader }) => {
        do {
          const lags = (await Promise.all(views.map((view) => lagOf(view, { db, reader })))).flat()
          if (options.watch && process.stdout.isTTY) console.clear()
          console.log(options.json ? JSON.stringify(lags) : table(lags, options.all ?? false))
          if (options.watch) await sleep(WATCH_MS)
        } while (options.watch)
      }),
    )

const HEAD = ['CONSUMER', 'TOPIC', 'PARTITION', 'POSITION', 'EVENTS BEHIND', 'SECONDS BEHIND', 'PARKED']

/** One line per consumer in total, then one per partition that is behind or has parked events. */
function table(lags: PartitionLag[], all: boolean): string {
  const totals = [...Map.groupBy(lags, (lag) => lag.consumer).values()].flatMap((own) => {
    const total = [
      own[0]!.consumer,
      own[0]!.topic,
      'all',
      Math.max(...own.map((l) => l.pos)),
      sum(own, 'events'),
      worst(own),
      sum(own, 'parked'),
    ]
    return [
      total,
      ...own
        .filter((lag) => all || lag.events || lag.parked)
        .map((l) => ['', '', l.partition, l.pos, l.events, seconds(l.seconds), l.parked]),
    ]
  })
  const rows = [HEAD, ...totals.map((row) => row.map(String))] as string[][]
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const sum = (lags: PartitionLag[], field: 'events' | 'parked') => lags.reduce((total, lag) => total + lag[field], 0)
const worst = (lags: PartitionLag[]) => seconds(Math.max(...lags.map((lag) => lag.seconds)))
const seconds = (value: number) => value.toFixed(1)
