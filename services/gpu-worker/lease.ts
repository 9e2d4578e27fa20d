import type { Queues, Received } from '#platform/sqs/queues.ts'
import type { Logger } from '#platform/telemetry/logger.ts'

/** Keeps a message hidden from others while it is worked on. */
export interface Lease {
  /** No longer; resolves when nothing of it is under way, so that what is said of the message next is the last word. */
  end(): Promise<void>
}

/** What SQS says of a receipt whose message was deleted, or has been received by somebody else. */
const GONE = /MessageNotInflight|ReceiptHandleIsInvalid|InvalidParameterValue/

/**
 * Begins at once, whatever the message was received with.
 * @param onLost told once when somebody else has the message
 */
export function openLease({
  queues,
  queueUrl,
  message: { receipt },
  seconds,
  log,
  onLost,
}: {
  queues: Pick<Queues, 'extend'>
  queueUrl: string
  message: Pick<Received, 'receipt'>
  seconds: number
  log: Pick<Logger, 'warn'>
  onLost(): void
}): Lease {
  let isAway = false
  const extend = async () => {
    const refusal = (await queues.extend(queueUrl, [receipt], seconds)).get(receipt)
    if (refusal && GONE.test(refusal.code)) {
      clearInterval(beating)
      return onLost()
    }
    if (refusal && !isAway) log.warn({ refusal }, 'could not keep the message hidden: another worker may get it as well')
    isAway = refusal !== undefined
  }
  let last: Promise<void>
  const beating = setInterval(
    () => {
      last = extend()
    },
    (seconds * 1000) / 3,
  )
  last = extend()
  return {
    async end() {
      clearInterval(beating)
      await last
    },
  }
}
