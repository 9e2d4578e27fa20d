import type { Settings } from '../config/settings.ts'
import { OperatorError } from '../operator-error.ts'
import { type Ensured, ensureQueues, patientPlan, type QueuePlan, usualPlan } from '../sqs/ensure.ts'
import { openQueues } from '../sqs/open.ts'
import { nameOf } from '../sqs/queues.ts'
import { awsAccess } from './access.ts'
import { reasonOf } from './reason.ts'

/** The settings of the workers' queues: for Lambda functions and for media workers, which transcribe videos. */
export const QUEUE_SETTINGS = ['SQS_AI_NOTE_QUEUE_URL', 'SQS_SUMMARY_QUEUE_URL', 'SQS_TRANSCRIPTION_QUEUE_URL'] as const
export type QueueSetting = (typeof QUEUE_SETTINGS)[number]

/** The plan for the queue of a setting. */
export const planOf = (setting: QueueSetting, name: string): QueuePlan =>
  setting === 'SQS_TRANSCRIPTION_QUEUE_URL' ? patientPlan(name) : usualPlan(name)

/** The queues that the settings name. */
export const queueUrlsOf = (settings: Settings): string[] => QUEUE_SETTINGS.flatMap((setting) => settings[setting] ?? [])

/**
 * Creates the bucket and the queues that the settings name, each queue with its dead-letter queue, and updates the attributes of
 * existing queues.
 * @returns the names of what was created or changed
 * @throws OperatorError when AWS refuses, or when a queue's URL differs from the settings
 */
export async function setUpAws(settings: Settings): Promise<{ bucket: string[]; queues: string[] }> {
  const { S3_BUCKET_NAME } = settings
  const urls = queueUrlsOf(settings)
  if (!S3_BUCKET_NAME && urls.length === 0)
    throw new OperatorError(`AWS_CREATE is set, but there is nothing to make: set S3_BUCKET_NAME or ${QUEUE_SETTINGS.join(', ')}`)
  return { bucket: S3_BUCKET_NAME ? await madeBucket(settings, S3_BUCKET_NAME) : [], queues: await madeQueues(settings, urls) }
}

async function madeBucket(settings: Settings, name: string): Promise<string[]> {
  // The SDK is slow to load, so only processes that use it load it.
  const { ensureBucket } = await import('../objects/ensure.ts')
  try {
    return (await ensureBucket(name, awsAccess(settings, 'S3'))) ? [name] : []
  } catch (error) {
    throw new OperatorError(`cannot make the bucket ${name}: ${reasonOf(error)}`, { cause: error })
  }
}

async function madeQueues(settings: Settings, urls: readonly string[]): Promise<string[]> {
  const queues = await openQueues(settings)
  try {
    const plans = QUEUE_SETTINGS.flatMap((setting) => {
      const url = settings[setting]
      return url ? [planOf(setting, nameOf(url))] : []
    })
    const ensured = await ensureQueues(queues, plans)
    for (const url of urls) assertThere(url, ensured)
    return ensured.filter(({ isNew, changed }) => isNew || changed.length > 0).map(({ name }) => name)
  } catch (error) {
    if (error instanceof OperatorError) throw error
    throw new OperatorError(`cannot make the queues: ${reasonOf(error)}`, { cause: error })
  } finally {
    queues.close()
  }
}

/** Detects another account, for example. Ignores the host, which may be the server's own name. */
function assertThere(url: string, ensured: readonly Ensured[]) {
  const place = (url: string) => new URL(url).pathname
  const made = ensured.find(({ name }) => name === nameOf(url))!.url
  if (place(made) !== place(url)) throw new OperatorError(`the queue ${nameOf(url)} is at ${place(made)}, not at ${place(url)}`)
}
