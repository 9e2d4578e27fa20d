import { MAX_ENTRIES, type Queues, type Received, type Refusal } from './queues.ts'

/** How long messages being moved are hidden from other receivers; they reappear after that if this process dies. */
const HIDDEN_SECONDS = 60
/** With a wait (long polling) SQS queries all of its servers; without one it may miss messages. */
const WAIT_SECONDS = 2

export interface Redriven {
  moved: number
  /** Why it ended before all were moved; the rest are still dead letters. */
  stopped?: Refusal
}

/**
 * Sends dead letters back to their queue with unchanged bodies and attributes. Each is sent first and deleted afterwards: after a
 * crash none is lost, but one may be sent twice. Does not use StartMessageMoveTask, which SQS-compatible servers lack.
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
  // A message whose deletion failed is received again, but must not be sent again.
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

/** @returns the first refusal, if a message could not be sent */
async function resend(queues: Queues, to: string, received: Received[], sent: Set<string>): Promise<Refusal | undefined> {
  const unsent = received.filter(({ messageId }) => !sent.has(messageId))
  const results = await queues.sendBatch(
    to,
    unsent.map(({ messageId: id, body, attributes }) => ({ id, body, attributes })),
  )
  for (const { id, refusal } of results) if (!refusal) sent.add(id)
  return results.find(({ refusal }) => refusal)?.refusal
}

const receiptsOf = (received: Received[]) => received.map(({ receipt }) => receipt)

/**
 * Reads messages of a queue without removing them: they are hidden meanwhile and can be received again afterwards. SQS counts this
 * as a receive, so use it only for dead-letter queues; in other queues it would bring messages closer to becoming dead letters.
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
