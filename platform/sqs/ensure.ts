import type { Queues } from './queues.ts'

/** The wanted settings of a queue with a dead-letter queue. */
export interface QueuePlan {
  name: string
  /** How long a consumer has for a received message. AWS recommends six times the timeout of a Lambda function. */
  visibilitySeconds: number
  /** How often a message is received before it becomes a dead letter. */
  maxReceiveCount: number
}

/** For Lambda functions with a timeout of two minutes and five tries. */
export const usualPlan = (name: string): QueuePlan => ({ name, visibilitySeconds: 720, maxReceiveCount: 5 })

/** For messages with up to an hour of work each, and three tries. */
export const patientPlan = (name: string): QueuePlan => ({ name, visibilitySeconds: 3_600, maxReceiveCount: 3 })

export const deadLetterNameOf = (name: string): string => `${name}-dead`

const DAY_SECONDS = 24 * 3600
/** A dead letter keeps the age of its message, so the dead-letter queue keeps longer: people need time. 14 days is SQS's maximum. */
const KEEP_SECONDS = 4 * DAY_SECONDS
const KEEP_DEAD_SECONDS = 14 * DAY_SECONDS

/** A queue after `ensureQueues`. */
export interface Ensured {
  name: string
  url: string
  /** True when the queue was created now. */
  isNew: boolean
  /** Names of the attributes that were changed. */
  changed: string[]
}

/**
 * Creates missing queues, each with its dead-letter queue, and updates the attributes of existing ones. Safe to repeat; messages
 * stay.
 * @returns all queues, each after its dead-letter queue
 */
export async function ensureQueues(queues: Queues, plans: readonly QueuePlan[]): Promise<Ensured[]> {
  const all = await Promise.all(
    plans.map(async ({ name, visibilitySeconds, maxReceiveCount }) => {
      const dead = await ensure(queues, deadLetterNameOf(name), { MessageRetentionPeriod: String(KEEP_DEAD_SECONDS) })
      const { arn } = await queues.attributes(dead.url)
      const source = await ensure(queues, name, {
        VisibilityTimeout: String(visibilitySeconds),
        MessageRetentionPeriod: String(KEEP_SECONDS),
        RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn, maxReceiveCount }),
      })
      return [dead, source]
    }),
  )
  return all.flat()
}

async function ensure(queues: Queues, name: string, wanted: Record<string, string>): Promise<Ensured> {
  const found = await queues.urlOf(name)
  const url = found ?? (await queues.create(name))
  const { visibilitySeconds, retentionSeconds, deadLetters } = await queues.attributes(url)
  const present: Record<string, string | undefined> = {
    VisibilityTimeout: String(visibilitySeconds),
    MessageRetentionPeriod: String(retentionSeconds),
    RedrivePolicy:
      deadLetters && JSON.stringify({ deadLetterTargetArn: deadLetters.arn, maxReceiveCount: deadLetters.maxReceiveCount }),
  }
  const different = Object.entries(wanted).filter(([attribute, value]) => present[attribute] !== value)
  if (different.length > 0) await queues.change(url, Object.fromEntries(different))
  return { name, url, isNew: found === undefined, changed: different.map(([attribute]) => attribute) }
}
