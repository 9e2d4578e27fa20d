import type { QueueAttributes } from '#platform/sqs/queues.ts'
import type { MediaRow } from '#projections/media.ts'

const DAY_MS = 86_400_000

/** What the queue holds, as far as SQS knows. */
export type Held = Pick<QueueAttributes, 'visible' | 'inFlight' | 'delayed'>

/**
 * Whether a job of which nothing was heard for so long needs another message. One that no worker has begun is only waiting for its
 * turn as long as the queue holds messages, for its own is among them; it counts as gone after a day all the same, and at once when its
 * worker has deleted it.
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
