import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { topics } from '#events/topics.ts'
import { readSettings } from '#platform/config/settings.ts'
import { kafkaOptions } from '#platform/log/kafka/client.ts'
import { type RelayLag, relayLag } from '#platform/log/kafka/relay-lag.ts'
import { lagOf, otherConsumers, type PartitionLag } from '#projections/engine/lag.ts'
import { views } from '#projections/index.ts'
import { connected } from './connect.ts'
import { table } from './table.ts'

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
          const relay = kafkaOptions(readSettings()) ? [relayLag(db, topics)] : []
          const consumers = [...views, ...(await otherConsumers(db, views, topics))]
          const lags = (await Promise.all([...relay, ...consumers.map((one) => lagOf(one, { db, reader }))])).flat()
          if (options.watch && process.stdout.isTTY) console.clear()
          console.log(options.json ? JSON.stringify(lags) : lagTable(lags, options.all ?? false))
          if (options.watch) await sleep(WATCH_MS)
        } while (options.watch)
      }),
    )

const HEAD = ['CONSUMER', 'TOPIC', 'PARTITION', 'POSITION', 'EVENTS BEHIND', 'SECONDS BEHIND', 'PARKED']

/** One line per consumer in total, then one per partition that is behind or has parked events. */
function lagTable(lags: Lag[], all: boolean): string {
  const totals = [...Map.groupBy(lags, (lag) => `${lag.consumer} ${lag.topic}`).values()].flatMap((own) => {
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
  return table(HEAD, totals, 2)
}

type Lag = PartitionLag | RelayLag

const sum = (lags: Lag[], field: 'events' | 'parked') => lags.reduce((total, lag) => total + lag[field], 0)
const worst = (lags: Lag[]) => seconds(Math.max(...lags.map((lag) => lag.seconds)))
const seconds = (value: number) => value.toFixed(1)
