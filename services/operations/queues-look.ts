import { oldestMessages, withLocalAws } from '#platform/aws/local/where.ts'
import { reasonOf } from '#platform/aws/reason.ts'
import { queueUrlsOf } from '#platform/aws/setup.ts'
import type { Settings } from '#platform/config/settings.ts'
import { withDeadLetters } from '#platform/sqs/dead-letters.ts'
import { openQueues } from '#platform/sqs/open.ts'
import { nameOf, type Queues } from '#platform/sqs/queues.ts'
import type { QueueLook } from './look.ts'

/** Reads the queues in the settings, each with its dead letters. One that cannot be read says so; the others are still shown. */
export async function queuesLook(settings: Settings): Promise<QueueLook[]> {
  // The queues of the data folder may have been created after the settings were read.
  const local = withLocalAws(settings)
  const urls = queueUrlsOf(local)
  if (urls.length === 0) return []
  const queues = await openQueues(local)
  try {
    const oldest = await oldestMessages(local)
    return await Promise.all(urls.map((url) => queueLook(queues, url, oldest?.[nameOf(url)] ?? null)))
  } finally {
    queues.close()
  }
}

async function queueLook(queues: Queues, url: string, oldestAt: number | null): Promise<QueueLook> {
  const queue = nameOf(url)
  try {
    const { source, dead, error } = await withDeadLetters(queues, url)
    const { visible, inFlight, delayed } = source.attributes
    return {
      queue,
      visible,
      inFlight,
      delayed,
      oldestSeconds: oldestAt === null ? null : Math.max(0, Math.round((Date.now() - oldestAt) / 1_000)),
      dead: dead ? dead.attributes.visible + dead.attributes.inFlight : 0,
      ...(error !== undefined && { problem: `its dead letters cannot be read: ${reasonOf(error)}` }),
    }
  } catch (error) {
    return {
      queue,
      visible: 0,
      inFlight: 0,
      delayed: 0,
      oldestSeconds: null,
      dead: 0,
      problem: `cannot be read: ${reasonOf(error)}`,
    }
  }
}
