import type { QueueAttributes } from '#platform/sqs/queues.ts'
import type { MediaRow } from '#projections/media.ts'

const DAY_MS = 86_400_000

/** Counts of messages in the queue, according to SQS. */
export type Held = Pick<QueueAttributes, 'visible' | 'inFlight' | 'delayed'>

/**
 * Whether a silent job needs another message. While no worker has begun the job and the queue holds messages, the job is only
 * waiting, for its own message is among them. It counts as late after a day all the same, and at once when its worker has deleted
 * the message.
 * @param now milliseconds since the epoch
 */
export function isLate(
  { status, since, message_id }: Pick<MediaRow, 'status' | 'since' | 'message_id'>,
  { visible, inFlight, delayed }: Held,
  now: number,
): boolean {
  if (status !== 'queued' || message_id === null) return true
  return visible + inFlight + delayed === 0 || since + DAY_MS <= now
}
