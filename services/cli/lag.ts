import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { topics } from '#events/topics.ts'
import { pasteable } from '#platform/config/pasteable.ts'
import { readSettings } from '#platform/config/settings.ts'
import { ago } from '#platform/log/consumers/judge.ts'
import { NEEDS_YOU } from '#platform/log/consumers/state.ts'
import { kafkaOptions } from '#platform/log/kafka/options.ts'
import { relayLag } from '#platform/log/kafka/relay-lag.ts'
import { HOLDERS, type Holder, inWords } from '#platform/pg/holder.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { ConsumerLook, Look } from '#services/operations/look.ts'
import { openLooking } from '#services/operations/looking.ts'
import { connected } from './connect.ts'
import { table } from './table.ts'

const WATCH_MS = 1_000

interface Options {
  json?: boolean
  watch?: boolean
  all?: boolean
  check?: boolean
}

export const lagCommand = (): Command =>
  new Command('lag')
    .description('whether anything is stuck: the state of each consumer, how far it is behind, and what to do about it')
    .option('--all', 'also the partitions that are not behind')
    .option('--json', 'one JSON array, a partition of a consumer each; events is null where they cannot be counted')
    .option('--watch', 'repeat every second until Ctrl-C; only this shows trends')
    .option('--check', 'exit code 1 when something needs you or is not known')
    .action((options: Options) =>
      connected(
        async ({ db, reader }) => {
          const settings = readSettings()
          const look = openLooking({ db, reader, settings })
          do {
            const seen = await look()
            const lags = [...(kafkaOptions(settings) ? await relayLags(db, seen) : []), ...partitionLags(seen)]
            if (options.watch && process.stdout.isTTY) console.clear()
            console.log(options.json ? JSON.stringify(lags) : page(seen, lags, await holders(db, seen), options))
            if (options.check) process.exitCode = seen.isWell ? 0 : 1
            if (options.watch) await sleep(WATCH_MS)
          } while (options.watch)
        },
        { indexed: true, isLook: true },
      ).finally(leave),
    )

/** A part that was left out of the look, such as a queue that does not answer, would keep the process alive. */
const leave = () => void process.stdout.write('', () => process.exit())

/** The lag of a consumer in one partition. */
interface Lag {
  consumer: string
  topic: string
  partition: number
  pos: number
  /** Null when events could not be counted; `problem` says why. */
  events: number | null
  seconds: number | null
  parked: number
  state: ConsumerLook['state']
  problem?: string
}

const consumersOf = ({ consumers }: Look): readonly ConsumerLook[] => consumers.value ?? []

/** Lags of consumers that have a checkpoint. The state of the others shows that they have none. */
function partitionLags(seen: Look): Lag[] {
  const standing = consumersOf(seen).filter(
    ({ kind, partitions }) => kind === 'view' || (kind !== 'relay' && partitions.some(({ movedAt }) => movedAt !== null)),
  )
  return standing.flatMap(({ consumer, topic, state, partitions }) =>
    partitions.map(({ partition, pos, events = null, oldestAt, parked = 0, problem }): Lag => {
      const seconds = events === null ? null : Math.max(0, seen.at - (oldestAt ?? seen.at)) / 1_000
      return { consumer, topic, partition, pos, events, seconds, parked, state, ...(problem !== undefined && { problem }) }
    }),
  )
}

/** The relay reads all topics as one log; this gives its lag in each partition. */
async function relayLags(db: Queryable, seen: Look): Promise<Lag[]> {
  const state = consumersOf(seen).find(({ kind }) => kind === 'relay')?.state ?? 'UNKNOWN'
  return (await relayLag(db, topics, seen.at)).map((lag) => ({ ...lag, state }))
}

/** The holders of the locks of consumers that need attention or have no live owner. An operator can end these sessions. */
async function holders(db: Queryable, seen: Look): Promise<string[]> {
  const stuck = consumersOf(seen).filter(({ state, owner, isLeftOut }) => !isLeftOut && (NEEDS_YOU.has(state) || !owner?.isAlive))
  const byKey = new Map(stuck.map((one) => [`follow ${one.consumer} ${one.topic}`, one]))
  const rows = await db.query<Holder & { key: string }>('lag.holders', HOLDERS, [[...byKey.keys()]])
  return rows.map(
    (holder) => `the lock of ${byKey.get(holder.key)!.consumer} (${byKey.get(holder.key)!.topic}) is held by ${inWords(holder)}`,
  )
}

// Output for people -----------------------------------------------------------------------------------------------------

function page(seen: Look, lags: readonly Lag[], held: readonly string[], { all = false, watch = false }: Options): string {
  const consumers = consumersOf(seen)
  const unwell = consumers.filter(({ state, isLeftOut }) => !isLeftOut && (NEEDS_YOU.has(state) || state === 'UNKNOWN'))
  const isBehind = consumers.some(({ events, isLeftOut }) => events && !isLeftOut)
  return [
    [seen.verdict, ...paragraphs(unwell), ...held].join('\n'),
    stateTable(consumers),
    ...(isBehind && !watch ? ['One look has no trend: --watch shows where it goes, and when it will be done.'] : []),
    partitionTable(lags, all),
  ].join('\n\n')
}

/** Groups consumers by the same remedy: relieving one consumer of a frozen process helps all consumers of that process. */
const stepOf = ({ state, why, next, owner }: ConsumerLook) =>
  `${state} ${next?.startsWith('npx vidwiz relieve ') ? owner?.id : (next ?? why)}`

/** A paragraph for each remedy, with the reason of the worst consumer that needs it. */
const paragraphs = (unwell: readonly ConsumerLook[]): string[] =>
  [...Map.groupBy(unwell, stepOf).values()].flatMap((alike) => {
    const { state, why, next } = alike[0]!
    const who = alike.map(({ consumer, topic }) => `${consumer} (${topic})`).join(', ')
    return [`${state} ${who}: ${why}.`, ...(next ? [`  → ${pasteable(next)}`] : [])]
  })

const TRENDS = new Map([
  [-1, 'nearer'],
  [0, 'steady'],
  [1, 'further'],
])

const stateTable = (consumers: readonly ConsumerLook[]) =>
  table(
    ['STATE', 'CONSUMER', 'TOPIC', 'OWNER', 'EVENTS', 'SECONDS', 'TREND', 'PER SECOND', 'ETA', 'PARKED'],
    consumers.map(({ state, consumer, topic, owner, events, seconds, trend, rate, etaSeconds, parked, isLeftOut }) => [
      isLeftOut ? '(not here)' : state,
      consumer,
      topic,
      owner ? `${owner.service} ${owner.pid} on ${owner.host}${owner.isAlive ? '' : ' (gone)'}` : '-',
      events ?? '?',
      seconds === null ? '?' : seconds.toFixed(1),
      trend === null ? '-' : TRENDS.get(trend)!,
      rate === null ? '-' : rate.toFixed(1),
      etaSeconds === null ? '-' : ago(etaSeconds * 1_000),
      parked.streams > 0 ? `${parked.streams} (${parked.events})` : '0',
    ]),
    4,
  )

const HEAD = ['CONSUMER', 'TOPIC', 'PARTITION', 'POSITION', 'EVENTS BEHIND', 'SECONDS BEHIND', 'PARKED']

/** A line with the total of each consumer, then one for each partition that is behind, has parked events or cannot be read. */
function partitionTable(lags: readonly Lag[], all: boolean): string {
  const rows = [...Map.groupBy(lags, (lag) => `${lag.consumer} ${lag.topic}`).values()].flatMap((own) => {
    const { consumer, topic } = own[0]!
    const isKnown = own.every(({ events }) => events !== null)
    const parked = own.reduce((total, lag) => total + lag.parked, 0)
    const events = isKnown ? own.reduce((total, lag) => total + lag.events!, 0) : null
    const seconds = isKnown ? Math.max(...own.map((lag) => lag.seconds!)) : null
    const pos = Math.max(...own.map((lag) => lag.pos))
    const partitions = own.filter((lag) => all || lag.events !== 0 || lag.parked > 0)
    return [
      [consumer, topic, 'all', ...figures({ pos, events, seconds, parked })],
      ...partitions.map((lag) => ['', '', lag.partition, ...figures(lag)]),
    ]
  })
  return table(HEAD, rows, 2)
}

const figures = ({ pos, events, seconds, parked }: Pick<Lag, 'pos' | 'events' | 'seconds' | 'parked'>) => [
  pos,
  events ?? '?',
  seconds === null ? '?' : seconds.toFixed(1),
  parked,
]
