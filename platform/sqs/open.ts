import { awsAccess } from '#platform/aws/access.ts'
import type { Settings } from '#platform/config/settings.ts'
import type { Queues } from './queues.ts'

export type { Queues } from './queues.ts'

/**
 * Opens SQS at `SQS_ENDPOINT`, otherwise at `AWS_ENDPOINT_URL`, otherwise in AWS. Nothing connects before the first request.
 */
export async function openQueues(settings: Settings): Promise<Queues> {
  // The SDK is slow to load, so only processes that use it load it.
  const { sqsQueues } = await import('./sqs.ts')
  return sqsQueues(awsAccess(settings, 'SQS'))
}
