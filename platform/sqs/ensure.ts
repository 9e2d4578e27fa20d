import type { Queues } from './queues.ts'

/** A queue with a dead-letter queue behind it, as it shall be. */
export interface QueuePlan {
  name: string
  /** How long a consumer has for what it received. AWS asks for six times the timeout of a function. */
  visibilitySeconds: number
  /** How often a message is received before it counts as dead. */
  maxReceiveCount: number
}

/** How ours are: functions have two minutes, and five tries. */
export const usualPlan = (name: string): QueuePlan => ({ name, visibilitySeconds: 720, maxReceiveCount: 5 })

/** How those are whose messages are an hour's work: one that came three times is dead. */
export const patientPlan = (name: string): QueuePlan => ({ name, visibilitySeconds: 3_600, maxReceiveCount: 3 })

export const deadLetterNameOf = (name: string): string => `${name}-dead`

const DAY_SECONDS = 24 * 3600
/** A message keeps its age when it becomes a dead letter: people need time after that. 14 days is the most that SQS keeps. */
const KEEP_SECONDS = 4 * DAY_SECONDS
const KEEP_DEAD_SECONDS = 14 * DAY_SECONDS

/** A queue as it is now. */
export interface Ensured {
  name: string
  url: string
  /** Whether there was none before. */
  isNew: boolean
  /** The attributes that were not as they shall be, until now. */
  changed: string[]
}

/**
 * Makes queues that are missing, each with its dead-letter queue, and brings what is there up to date. Safe to repeat; messages
 * stay.
 * @returns what there is now, dead-letter queues first
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
