import { nameOf, type Refusal } from '#platform/sqs/queues.ts'
import { Trouble } from '#platform/trouble.ts'
import type { QueueName } from './messages.ts'

export const QUEUE_SETTINGS = {
  'ai-notes': 'SQS_AI_NOTE_QUEUE_URL',
  summaries: 'SQS_SUMMARY_QUEUE_URL',
} as const satisfies Record<QueueName, string>

/** Why the bridge pauses, in one line for who looks after it. @param refusal undefined when it was only told to stop */
export function paused(queue: QueueName, url: string, messages: number, refusal: Refusal | undefined): Error {
  const where = `${nameOf(url)} (${QUEUE_SETTINGS[queue]})`
  if (!refusal) return new Error(`stopped before ${messages} messages were sent to the queue ${where}`)
  const { code, message, isSetup } = refusal
  const why = `the queue ${where} did not take ${messages} messages: ${message.includes(code) ? message : `${code}: ${message}`}`
  return isSetup ? new Trouble(`${why}; ${remedy(code)}. Nothing is lost: it is tried again now and then`) : new Error(why)
}

const remedy = (code: string) =>
  /DoesNotExist|NonExistent|InvalidAddress/.test(code)
    ? 'make the queue (AWS_CREATE=1 npx vidwiz setup) or set the right URL'
    : 'look at AWS_REGION, the AWS_… keys, the clock of this machine, and whether sqs:SendMessage is allowed'
