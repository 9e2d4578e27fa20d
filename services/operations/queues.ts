import { oldestMessages, withLocalAws } from '#platform/aws/local/where.ts'
import { reasonOf } from '#platform/aws/reason.ts'
import { queueUrlsOf } from '#platform/aws/setup.ts'
import { readSettings, type Settings } from '#platform/config/settings.ts'
import { OperatorError } from '#platform/service.ts'
import { type QueueState, withDeadLetters } from '#platform/sqs/dead-letters.ts'
import { openQueues } from '#platform/sqs/open.ts'
import { nameOf, type Queues } from '#platform/sqs/queues.ts'
import { redrive } from '#platform/sqs/redrive.ts'
import type { Act, Done } from './operation.ts'

/**
 * Opens the queues of the settings, or those of the data folder, while `work` runs.
 * @throws OperatorError when no queue is known
 */
export async function withQueues<T>(
  work: (queues: Queues, settings: Settings) => Promise<T>,
  given: Settings = readSettings(),
): Promise<T> {
  const settings = withLocalAws(given)
  if (queueUrlsOf(settings).length === 0)
    throw new OperatorError(
      'no queue is known: start VidWiz first (make start), or set SQS_AI_NOTE_QUEUE_URL and SQS_SUMMARY_QUEUE_URL',
    )
  const queues = await openQueues(settings)
  try {
    return await work(queues, settings)
  } finally {
    queues.close()
  }
}

/** The state of a queue. */
export interface QueueRow {
  queue: string
  /** The queue whose dead letters it holds. */
  deadLettersOf?: string
  visible?: number
  inFlight?: number
  delayed?: number
  oldestSeconds?: number | null
  /** Why it could not be read, or what it lacks. */
  problem?: string
}

/** Each queue, followed by its dead-letter queue. A queue that cannot be read says so; the others are still listed. */
export async function queueRows(queues: Queues, settings: Settings): Promise<QueueRow[]> {
  const oldest = await oldestMessages(settings)
  const whole = (queue: string, { attributes: { visible, inFlight, delayed } }: QueueState): QueueRow => ({
    queue,
    visible,
    inFlight,
    delayed,
    ...(oldest && { oldestSeconds: ageSeconds(oldest[queue] ?? null) }),
  })
  const rows = await Promise.all(
    queueUrlsOf(settings).map(async (url): Promise<QueueRow[]> => {
      const queue = nameOf(url)
      try {
        const { source, dead, error } = await withDeadLetters(queues, url)
        if (dead) return [whole(queue, source), { ...whole(nameOf(dead.url), dead), deadLettersOf: queue }]
        const { deadLetters } = source.attributes
        if (!deadLetters) return [{ ...whole(queue, source), problem: 'has no dead-letter queue' }]
        return [whole(queue, source), { queue: nameOf(deadLetters.arn), deadLettersOf: queue, problem: unreadable(error) }]
      } catch (error) {
        return [{ queue, problem: unreadable(error) }]
      }
    }),
  )
  return rows.flat()
}

const unreadable = (error: unknown) => `cannot be read: ${reasonOf(error)}`

const ageSeconds = (sentAt: number | null) => (sentAt === null ? null : Math.max(0, Math.round((Date.now() - sentAt) / 1000)))

/** A queue and its dead-letter queue. */
export interface QueueWithDead {
  source: QueueState
  dead: QueueState
}

/**
 * Finds a queue and its dead-letter queue by the name of either, with or without our prefix, or by the queue's URL.
 * @throws OperatorError that lists all queues, for an unknown one
 */
export async function pairOf(queues: Queues, settings: Settings, name: string): Promise<QueueWithDead> {
  const urls = queueUrlsOf(settings)
  const names = [name, `vidwiz-${name}`]
  for (const url of urls) {
    const isMeant = url === name || names.includes(nameOf(url))
    const pair = await withDeadLetters(queues, url).catch((error) => {
      if (isMeant) throw new OperatorError(`${nameOf(url)} ${unreadable(error)}`, { cause: error })
      return undefined
    })
    const deadName = pair?.source.attributes.deadLetters && nameOf(pair.source.attributes.deadLetters.arn)
    if (!pair || !(isMeant || names.includes(deadName ?? ''))) continue
    const { source, dead, error } = pair
    if (!dead) throw new OperatorError(deadName ? `${deadName} ${unreadable(error)}` : `${nameOf(url)} has no dead-letter queue`)
    return { source, dead }
  }
  throw new OperatorError(`no queue is called ${name}: ${urls.map(nameOf).join(', ')}`)
}

/** The recorded form of redriving a queue's dead letters. */
export const queueRedriveAct = ({ source }: QueueWithDead, limit?: number): Act => ({
  act: 'redrive-queue',
  target: nameOf(source.url),
  command: `npx vidwiz queues redrive ${nameOf(source.url)}${limit === undefined ? '' : ` --limit ${limit}`}`,
})

/**
 * Sends the dead letters of a queue back to it.
 * @param onMoved gets the number sent so far
 * @returns `stopped` says why it ended before all were sent; the outcome is `failed` then
 */
export async function redriveQueue(
  queues: Queues,
  { source, dead }: QueueWithDead,
  { limit, onMoved }: { limit?: number; onMoved?: (moved: number) => void } = {},
): Promise<Done<{ summary: string; stopped?: string }>> {
  const [from, to] = [nameOf(dead.url), nameOf(source.url)]
  const { moved, stopped } = await redrive(queues, { from: dead.url, to: source.url, limit, onMoved })
  const summary = `sent ${messages(moved)} of ${from} back to ${to}`
  if (!stopped) return { result: { summary }, summary }
  const why = `stopped: ${stopped.message} (${stopped.code}); the rest are still dead letters`
  return { result: { summary, stopped: why }, summary: `${summary}; ${why}`, outcome: 'failed' }
}

export const messages = (count: number) => (count === 1 ? '1 message' : `${count} messages`)
