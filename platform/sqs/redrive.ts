import { MAX_ENTRIES, type Queues, type Received, type Refusal } from './queues.ts'

/** How long others do not see what is being moved; it is there again after that, should we end half way. */
const HIDDEN_SECONDS = 60
/** SQS asks all of its machines only for who waits: without that some messages stay unseen. */
const WAIT_SECONDS = 2

export interface Redriven {
  moved: number
  /** Why it ended before all was moved; what was not moved is still a dead letter. */
  stopped?: Refusal
}

/**
 * Sends dead letters back to their queue, bodies to the letter. Each is sent first and deleted then: whatever is killed when,
 * none is lost, and one may be sent twice. Not by StartMessageMoveTask, which servers other than AWS's lack.
 */
export async function redrive(
  queues: Queues,
  {
    from,
    to,
    limit = Number.POSITIVE_INFINITY,
    onMoved,
  }: { from: string; to: string; limit?: number; onMoved?: (moved: number) => void },
): Promise<Redriven> {
  // One whose deletion failed comes again: it was sent already.
  const sent = new Set<string>()
  while (sent.size < limit) {
    const max = Math.min(MAX_ENTRIES, limit - sent.size)
    const received = await queues.receive(from, { max, waitSeconds: WAIT_SECONDS, visibilitySeconds: HIDDEN_SECONDS })
    if (received.length === 0) break
    const stopped = await resend(queues, to, received, sent)
    const done = receiptsOf(received.filter(({ messageId }) => sent.has(messageId)))
    const undeleted = await queues.delete(from, done)
    onMoved?.(sent.size)
    const first = stopped ?? undeleted.values().next().value
    if (first === undefined) continue
    await queues.extend(
      from,
      receiptsOf(received).filter((one) => !done.includes(one) || undeleted.has(one)),
      0,
    )
    return { moved: sent.size, stopped: first }
  }
  return { moved: sent.size }
}

/** @returns why one of them could not be sent */
async function resend(queues: Queues, to: string, received: Received[], sent: Set<string>): Promise<Refusal | undefined> {
  const unsent = received.filter(({ messageId }) => !sent.has(messageId))
  const results = await queues.sendBatch(
    to,
    unsent.map(({ messageId: id, body }) => ({ id, body })),
  )
  for (const { id, refusal } of results) if (!refusal) sent.add(id)
  return results.find(({ refusal }) => refusal)?.refusal
}

const receiptsOf = (received: Received[]) => received.map(({ receipt }) => receipt)

/**
 * Looks at messages of a queue without taking them: they are hidden while it looks, and then there for everybody again. SQS
 * counts it as a receipt, so this is for dead letters; in a queue with a dead-letter queue of its own it would bring messages
 * nearer to their end.
 */
export async function peek(queues: Queues, url: string, limit: number): Promise<Received[]> {
  const seen: Received[] = []
  try {
    while (seen.length < limit) {
      const max = Math.min(MAX_ENTRIES, limit - seen.length)
      const received = await queues.receive(url, { max, waitSeconds: WAIT_SECONDS, visibilitySeconds: HIDDEN_SECONDS })
      if (received.length === 0) break
      seen.push(...received)
    }
  } finally {
    await queues.extend(url, receiptsOf(seen), 0)
  }
  return seen.sort((a, b) => a.sentAt - b.sentAt)
}
