import { REQUEST_KINDS } from '#events/ai.ts'
import { now as clock } from '#platform/clock.ts'
import { dataFolder } from '#platform/config/data-folder.ts'
import type { Settings } from '#platform/config/settings.ts'
import { eventsBehind, isAhead, judge } from '#platform/log/consumers/judge.ts'
import type { Observation } from '#platform/log/consumers/state.ts'
import { kafkaOptions } from '#platform/log/kafka/options.ts'
import type { Reader } from '#platform/log/port.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { readBreaker } from '#platform/ytdlp/breaker.ts'
import { openRequests } from '#projections/ai-requests.ts'
import { taskCounts } from '#projections/tasks.ts'
import { bounded, seldom } from './cell.ts'
import { expectedOf } from './expected.ts'
import type { Cell, ConsumerLook, Look, ReplayLook } from './look.ts'
import { queuesLook } from './queues-look.ts'
import { standingsOf } from './standings.ts'
import { verdictOf, worstFirst } from './verdict.ts'

export interface LookingOptions {
  db: Queryable
  reader: Reader
  settings: Settings
}

/** A part that takes longer is left out of the look, with a message. */
const MOST_MS = 2_000
/** For costly parts and those that ask other systems. */
const SELDOM = { everyMs: 5_000, mostMs: MOST_MS }
/** A little longer than the window over which trends are computed. */
const KEEP_MS = 65_000

const REPLAYS = `
  select id, act, view, phase, events, total, rate, eta_ms / 1000 as "etaSeconds", pace, extract(epoch from started_at) * 1000 as "startedAt",
         extract(epoch from beat_at) * 1000 as "beatAt"
    from log.replays where ended_at is null order by started_at`

/** Makes a function that looks at the system. It keeps the samples of the last minute to judge trends. Never rejects. */
export function openLooking({ db, reader, settings }: LookingOptions): () => Promise<Look> {
  const expected = expectedOf(settings)
  const seen = new Map<string, Observation[]>()
  const standings = bounded(() => standingsOf(db, reader, expected), MOST_MS)
  const replays = bounded(() => runningReplays(db), MOST_MS)
  const tasks = seldom(() => taskCounts(db), SELDOM)
  const requests = seldom(() => openModelRequests(db), SELDOM)
  const queues = seldom(() => queuesLook(settings), SELDOM)
  const breaker = bounded(async () => readBreaker(dataFolder(settings.VIDWIZ_DATA)), MOST_MS)

  function consumerLook(now: Observation): ConsumerLook {
    const key = `${now.consumer} ${now.topic}`
    const before = (seen.get(key) ?? []).filter((then) => now.at > then.at && (now.at - then.at <= KEEP_MS || isAhead(then, now)))
    const history = [...before, now]
    seen.set(key, history)
    const { consumer, topic, kind, service, partitions, parked, owner, leftOut, at } = now
    return {
      ...judge(history),
      consumer,
      topic,
      kind,
      service,
      isLeftOut: leftOut !== undefined,
      partitions,
      parked,
      owner,
      history: history.filter((then) => at - then.at <= KEEP_MS).map((then) => eventsBehind(then)),
    }
  }

  return async () => {
    const [stand, ...others] = await Promise.all([standings(), replays(), tasks(), requests(), queues(), breaker()])
    const [replaysCell, tasksCell, requestsCell, queuesCell, breakerCell] = others
    const consumers: Cell<ConsumerLook[]> = stand.value
      ? { value: stand.value.observations.map(consumerLook).sort(worstFirst) }
      : { problem: stand.problem! }
    return {
      at: stand.value?.at ?? clock(),
      ...verdictOf({ consumers, queues: queuesCell }),
      log: kafkaOptions(settings) ? 'kafka' : 'embedded',
      head: stand.value?.head ?? null,
      consumers,
      queues: queuesCell,
      breaker: breakerCell,
      tasks: tasksCell,
      requests: requestsCell,
      replays: replaysCell,
    }
  }
}

const runningReplays = async (db: Queryable): Promise<ReplayLook[]> =>
  (await db.query<ReplayLook>('look.replays', REPLAYS)).map((one) => ({
    ...one,
    startedAt: Number(one.startedAt),
    beatAt: Number(one.beatAt),
  }))

async function openModelRequests(db: Queryable) {
  const found = await Promise.all(REQUEST_KINDS.map((kind) => openRequests(db, kind)))
  return REQUEST_KINDS.flatMap((kind, n) => found[n]!.map((one) => ({ kind, ...one })))
}
