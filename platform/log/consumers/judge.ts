import type { Judgement, Observation, OwnerStanding, PartitionStanding } from './state.ts'
import { type Point, slopeOf, spanMsOf, trendOf } from './trend.ts'

/** An owner without a sign of life for this long is frozen: owners beat every two seconds. */
export const NO_BEAT_MS = 5_000
/** A consumer is STUCK when events wait and none was applied for this long. */
export const NO_PROGRESS_MS = 10_000
/** Younger events are still on their way: a consumer is not behind because of them. */
const FRESH_MS = 5_000
/** A trend covers WINDOW_MS; a consumer is FALLING_BEHIND only after it has fallen behind for LEAST_FALLING_MS. */
const WINDOW_MS = 60_000
const LEAST_FALLING_MS = 20_000

/** The part of a judgement that a single rule gives. */
type Finding = Pick<Judgement, 'state' | 'why' | 'next' | 'partition'>

/**
 * Judges how a consumer of one topic does. Pure; the ops page, the command line and the metrics all use it, so they agree.
 * @param history at least one observation, the oldest first; the last is the present. A single one gives no trend
 */
export function judge(history: readonly Observation[]): Judgement {
  const now = history.at(-1)!
  const window = history.filter(({ at }) => now.at - at <= WINDOW_MS)
  const events = eventsBehind(now)
  const points = pointsOf(window, eventsBehind)
  const trend = events === null ? null : trendOf(points)
  const finding = find(now, history, { points, trend })
  return {
    next: undefined,
    partition: undefined,
    ...finding,
    events,
    seconds: secondsOf(now),
    trend,
    rate: rateOf(window),
    etaSeconds: trend === 1 ? null : etaSecondsOf(now, window),
  }
}

type Course = { points: readonly Point[]; trend: Judgement['trend'] }

/** The finding of the first rule that applies; the rules are in order from the worst finding to the best. */
function find(now: Observation, history: readonly Observation[], course: Course): Finding {
  return (
    unreadable(now) ??
    gone(now) ??
    frozen(now) ??
    paused(now) ??
    lossy(now) ??
    stuck(now) ??
    rewound(now, history) ??
    parked(now) ??
    fallingBehind(now, course) ??
    uncertain(now) ??
    rebuilding(now) ??
    catchingUp(now, history) ?? { state: 'OK', why: '' }
  )
}

function unreadable({ problem }: Observation): Finding | undefined {
  return problem === undefined ? undefined : { state: 'UNKNOWN', why: `It cannot be read: ${problem}`, next: 'npx vidwiz doctor' }
}

function gone(now: Observation): Finding | undefined {
  const { owner, service, leftOut } = now
  if (owner?.isAlive) return undefined
  const behind = behindOf(now)
  if (leftOut !== undefined)
    return { state: 'OK', why: `It does not run here: ${leftOut}${behind ? `. ${behind} for whoever runs it` : ''}` }
  const next = `npx vidwiz run ${service}`
  const waits = behind ?? 'Nothing waits yet, but no process would apply new events'
  if (!owner) return { state: 'GONE', why: `No process of ${service} runs it. ${waits}`, next }
  const lastSeen = ago(now.at - owner.beatAt)
  return { state: 'GONE', why: `Its process is gone: ${nameOf(owner)}, last seen ${lastSeen} ago. ${waits}`, next }
}

function frozen(now: Observation): Finding | undefined {
  const { owner } = now
  if (!owner?.isAlive) return undefined
  const silentMs = now.at - owner.beatAt
  if (silentMs <= NO_BEAT_MS) return undefined
  const worst = worstOf(now)
  return {
    state: 'STUCK',
    why: sentences(
      `Its process ${nameOf(owner)} gives no sign of life for ${seconds(silentMs)}: it is frozen, or far too busy`,
      waiting(now, worst),
    ),
    next: `npx vidwiz relieve ${now.consumer}`,
    partition: worst?.partition,
  }
}

function paused(now: Observation): Finding | undefined {
  const pause = now.owner?.paused
  if (!pause || (pause.resumed && !behindOf(now))) return undefined
  const worst = worstOf(now)
  return {
    state: 'PAUSED',
    why: sentences(
      `It has paused for ${ago(now.at - pause.since)} and tries again by itself. Its process ${nameOf(now.owner!)} says: ${pause.cause}`,
      waiting(now, worst),
    ),
    next: 'Fix this cause; it then continues by itself. npx vidwiz doctor shows what cannot be reached',
    partition: worst?.partition,
  }
}

/** Its position is before the first event that the log still has. */
function lossy(now: Observation): Finding | undefined {
  const worst = maxBy(now.partitions, ({ lost = 0 }) => lost)
  if (!worst?.lost) return undefined
  const lost = now.partitions.reduce((sum, one) => sum + (one.lost ?? 0), 0)
  const inAll = lost > worst.lost ? ` (${count(lost)} in all partitions)` : ''
  return {
    state: 'STUCK',
    why: `It is at position ${worst.pos} of partition ${worst.partition}, and the log no longer has the next events: at least ${events(worst.lost)}${inAll} are lost that it never applied`,
    next: 'Restore the history of the topic (docs/runbook.md, "Is anything stuck?"); there is no other way',
    partition: worst.partition,
  }
}

function stuck(now: Observation): Finding | undefined {
  const still = now.partitions.filter((one) => stillMsOf(now, one) >= NO_PROGRESS_MS)
  // A rebuild will replace its table with one that is up to date.
  if (still.length === 0 || now.isRebuilding) return undefined
  const worst = maxBy(still, (one) => stillMsOf(now, one))!
  const others = still.length > 1 ? ` and ${still.length - 1} more` : ''
  return {
    state: 'STUCK',
    why: `Nothing was applied in partition ${worst.partition}${others} for ${seconds(stillMsOf(now, worst))}, and ${events(worst.events!)} ${worst.events === 1 ? 'waits' : 'wait'} there. Its process ${nameOf(now.owner!)} runs and reports no pause`,
    next: `npx vidwiz tail --topic ${shortTopic(now)} --from ${worst.pos} --no-follow   # shows the event that it works on; if that does not help, restart ${now.service}`,
    partition: worst.partition,
  }
}

function rewound(now: Observation, history: readonly Observation[]): Finding | undefined {
  let worst: { partition: PartitionStanding; from: number; at: number } | undefined
  for (const partition of now.partitions) {
    if (partition.problem !== undefined) continue
    let from = partition.pos
    let at = now.at
    for (const seen of history) {
      const before = seen.partitions.find((one) => one.partition === partition.partition)
      if (!before || before.problem !== undefined || before.pos < from || before.pos === partition.pos) continue
      from = before.pos
      at = seen.at
    }
    if (from > partition.pos && from - partition.pos > (worst ? worst.from - worst.partition.pos : 0))
      worst = { partition, from, at }
  }
  if (!worst) return undefined
  const { partition, from, at } = worst
  return {
    state: 'REWOUND',
    why: `It went back from position ${from} to ${partition.pos} in partition ${partition.partition} less than ${ago(now.at - at + 1_000)} ago, and handles events again; ${behindOf(now) ?? 'nothing is left'}`,
    next: 'If nobody reset it, a database was restored to an earlier state: npx vidwiz verify',
    partition: partition.partition,
  }
}

function parked({ parked, consumer, at }: Observation): Finding | undefined {
  if (parked.streams === 0) return undefined
  const since = parked.oldestAt === null ? '' : `, the oldest for ${ago(at - parked.oldestAt)}`
  return {
    state: 'PARKED',
    why: `${parked.streams === 1 ? '1 stream is' : `${count(parked.streams)} streams are`} held up with ${events(parked.events)}${since}; all other streams continue`,
    next: `npx vidwiz letters ${consumer}`,
  }
}

function fallingBehind(now: Observation, { points, trend }: Course): Finding | undefined {
  const total = eventsBehind(now)
  const oldMs = (secondsOf(now) ?? 0) * 1_000
  if (!total || oldMs < FRESH_MS || trend === null || trend === -1 || spanMsOf(points) < LEAST_FALLING_MS) return undefined
  const worst = worstOf(now)
  // All waiting events are still unpublished: the relay is behind, not the consumer.
  if (!worst) return undefined
  const how =
    trend === 1 ? `${count(Math.max(1, Math.round((slopeOf(points) ?? 0) * 60)))} more each minute` : 'it does not catch up'
  return {
    state: 'FALLING_BEHIND',
    why: `It applies fewer events than arrive: ${events(total)} behind, ${how}; the oldest waits for ${ago(oldMs)} in partition ${worst.partition}`,
    next: `Run another process of it (npx vidwiz run ${now.service}), or find what slows it down`,
    partition: worst.partition,
  }
}

/** A number that the judgement needs is not known. */
function uncertain(now: Observation): Finding | undefined {
  const dark = now.partitions.find(({ problem, events }) => problem !== undefined || events === undefined)
  if (dark)
    return {
      state: 'UNKNOWN',
      why: `Partition ${dark.partition} cannot be read: ${dark.problem ?? 'its events were not counted'}`,
      next: 'npx vidwiz doctor',
      partition: dark.partition,
    }
  const { unreached, at, topic } = now
  if (unreached && at - unreached.oldestAt >= NO_PROGRESS_MS)
    return {
      state: 'UNKNOWN',
      why: `${events(unreached.events)} of ${topic} ${unreached.events === 1 ? 'has' : 'have'} not reached it: the relay has not published the oldest for ${ago(at - unreached.oldestAt)}`,
      next: 'Look at the relay first: npx vidwiz run relay',
    }
  return undefined
}

const rebuilding = ({ isRebuilding }: Observation): Finding | undefined =>
  isRebuilding ? { state: 'REBUILDING', why: 'Its table is being rebuilt; until then readers use the present one' } : undefined

function catchingUp(now: Observation, history: readonly Observation[]): Finding | undefined {
  const total = eventsBehind(now)
  const oldSeconds = secondsOf(now) ?? 0
  if (!total || oldSeconds * 1_000 < FRESH_MS) return undefined
  const window = history.filter(({ at }) => now.at - at <= WINDOW_MS)
  const eta = etaSecondsOf(now, window)
  return {
    state: 'CATCHING_UP',
    why: `${events(total)} behind${eta === null ? '' : `, done in about ${ago(eta * 1_000)}`}`,
    partition: worstOf(now)?.partition,
  }
}

// Numbers -------------------------------------------------------------------------------------------------------------

/** Number of events behind, including unpublished ones; null when a partition's count is not known. */
export function eventsBehind({ partitions, problem, unreached }: Observation): number | null {
  if (problem !== undefined || partitions.some(({ events }) => events === undefined)) return null
  return partitions.reduce((sum, { events }) => sum + events!, unreached?.events ?? 0)
}

/** Age in seconds of the oldest event that was not applied; null when a partition's count is not known. */
function secondsOf(now: Observation): number | null {
  if (eventsBehind(now) === null) return null
  const oldest = [...now.partitions.map(({ oldestAt }) => oldestAt ?? now.at), now.unreached?.oldestAt ?? now.at]
  return Math.max(0, now.at - Math.min(...oldest)) / 1_000
}

/** Milliseconds that events have waited in a partition without one being applied; at most the age of the oldest. */
function stillMsOf(now: Observation, { events = 0, oldestAt, movedAt }: PartitionStanding): number {
  if (events === 0 || oldestAt === null || oldestAt === undefined) return 0
  return now.at - Math.max(oldestAt, movedAt ?? 0)
}

const worstOf = (now: Observation): PartitionStanding | undefined =>
  maxBy(
    now.partitions.filter(({ events }) => events),
    ({ oldestAt }) => now.at - (oldestAt ?? now.at),
  )

const pointsOf = (window: readonly Observation[], value: (one: Observation) => number | null): Point[] =>
  window.flatMap((one): Point[] => {
    const found = value(one)
    return found === null ? [] : [[one.at, found]]
  })

/** Events applied per second over the window; null when they were not counted. */
function rateOf(window: readonly Observation[]): number | null {
  const points = pointsOf(window, appliedOf)
  const spanMs = spanMsOf(points)
  if (spanMs <= 0) return null
  return Math.max(0, ((points.at(-1)![1] - points[0]![1]) * 1_000) / spanMs)
}

function appliedOf({ partitions, problem }: Observation): number | null {
  if (problem !== undefined || partitions.some(({ events, total }) => events === undefined || total === undefined)) return null
  return partitions.reduce((sum, { events, total }) => sum + total! - events!, 0)
}

/** Seconds until its slowest partition has caught up; null when none is behind, or one that is behind does not come nearer. */
function etaSecondsOf(now: Observation, window: readonly Observation[]): number | null {
  const behind = now.partitions.filter((one) => one.events && now.at - (one.oldestAt ?? now.at) >= FRESH_MS)
  if (behind.length === 0 || eventsBehind(now) === null) return null
  const etas = behind.map(({ partition, events }) => {
    const slope = slopeOf(pointsOf(window, (seen) => seen.partitions.find((one) => one.partition === partition)?.events ?? null))
    return slope === null || slope >= 0 ? Number.POSITIVE_INFINITY : events! / -slope
  })
  const slowest = Math.max(...etas)
  return Number.isFinite(slowest) ? slowest : null
}

// Words ---------------------------------------------------------------------------------------------------------------

/** How many events wait, in a sentence; undefined when none do. */
function behindOf(now: Observation): string | undefined {
  const total = eventsBehind(now)
  if (!total) return undefined
  return `${events(total)} ${total === 1 ? 'waits' : 'wait'}, the oldest for ${ago((secondsOf(now) ?? 0) * 1_000)}`
}

function waiting(now: Observation, worst: PartitionStanding | undefined): string | undefined {
  const behind = behindOf(now)
  return behind && (worst ? `${behind} in partition ${worst.partition}` : behind)
}

const sentences = (...all: (string | undefined)[]) => all.filter((one) => one !== undefined).join('. ')

export const nameOf = ({ service, pid, host }: Pick<OwnerStanding, 'service' | 'pid' | 'host'>) => `${service} ${pid} on ${host}`

const shortTopic = ({ topic }: Observation) => topic.replace(/^vidwiz\./, '')

const count = (n: number) => n.toLocaleString('en-US')
const events = (n: number) => (n === 1 ? '1 event' : `${count(n)} events`)
const seconds = (ms: number) => `${Math.max(0, Math.round(ms / 1_000))} s`

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const

/** A time span for people: `45 s`, `12 min`, `3 h`, `2 d`. */
export function ago(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1_000))
  const unit = UNITS.find(([, size]) => s >= 2 * size)
  return unit ? `${Math.floor(s / unit[1])} ${unit[0]}` : `${s} s`
}

function maxBy<T>(all: readonly T[], by: (one: T) => number): T | undefined {
  let best: T | undefined
  for (const one of all) if (best === undefined || by(one) > by(best)) best = one
  return best
}

/** Whether to keep an observation beyond the window: in some partition the consumer was further than it is now. */
export const isAhead = (then: Observation, now: Observation): boolean =>
  then.partitions.some(({ partition, pos, problem }) => {
    const present = now.partitions.find((one) => one.partition === partition)
    return problem === undefined && present !== undefined && present.problem === undefined && pos > present.pos
  })
