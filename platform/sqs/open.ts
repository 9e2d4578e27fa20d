import { awsAccess } from '#platform/aws/access.ts'
import type { Settings } from '#platform/config/settings.ts'
import type { Queues } from './queues.ts'

export type { Queues } from './queues.ts'

/**
 * Opens SQS as the settings say: at `SQS_ENDPOINT`, else at `AWS_ENDPOINT_URL`, else in AWS. Nothing connects before the first
 * request.
 */
export async function openQueues(settings: Settings): Promise<Queues> {
  // The SDK takes its time to load: only for those who use it.
  const { sqsQueues } = await import('./sqs.ts')
  return sqsQueues(awsAccess(settings, 'SQS'))
}
