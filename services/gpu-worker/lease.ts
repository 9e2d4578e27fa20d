import type { Queues, Received } from '#platform/sqs/queues.ts'
import type { Logger } from '#platform/telemetry/logger.ts'

/** Keeps a message invisible to other workers while this one works on it. */
export interface Lease {
  /** Ends the lease. Resolves when no extension is in flight, so none can override what is sent to the queue next. */
  end(): Promise<void>
}

/** SQS errors for a receipt whose message was deleted or received by another worker. */
const GONE = /MessageNotInflight|ReceiptHandleIsInvalid|InvalidParameterValue/

/**
 * Extends the visibility timeout at once, then every third of it.
 * @param onLost called once if another worker has the message
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
