import { setTimeout as sleep } from 'node:timers/promises'
import { within } from '#platform/deadline.ts'
import type { Queues, Received } from '#platform/sqs/queues.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import { buried, type LastResort, lastResortOf } from './dead-letter.ts'
import { Ended, type Ending } from './ending.ts'
import type { JobApi, Report } from './job-api.ts'
import type { Lease } from './lease.ts'
import type { Measures } from './measures.ts'
import type { Stop, Times } from './worker-parts.ts'

/** A message being processed. */
export interface InHand {
  received: Received
  api: JobApi
  log: Logger
  lease: Lease
  /** Number of the job, once known. */
  jobId: number | undefined
  /** Undefined when the queue could not be asked. */
  lastResort: Promise<LastResort | undefined>
}

export interface SettlingOptions {
  queues: Queues
  queueUrl: string
  times: Times
  stop: Stop
  measures: Measures
}

/** Reports how work on a message ended, first to the API, then to the queue. */
export interface Settling {
  settle(inHand: InHand, ending: Ending): Promise<void>
  /** Disposes of a message that nobody can understand. */
  bury(received: Received, cause: string, log: Logger): Promise<void>
}

/** Time for the API and SQS to take a message back after a stop. */
const TAKE_BACK_MS = 2_000
/** Time for an extension of the lease that is in flight. */
const LEASE_MS = 500
/** SQS's limit for the delay of a message. */
const MOST_DELAY_S = 900
const DELETIONS = 3
const UNANSWERED = { code: 'NoAnswer', message: 'SQS did not answer before the end of the stop', isOurFault: false }

export function settling({ queues, queueUrl, times, stop, measures }: SettlingOptions): Settling {
  const isStopping = () => stop.told.aborted

  /** Limits the wait during a stop. @returns undefined if not done by then */
  const brief = <T>(work: Promise<T>, ms = TAKE_BACK_MS): Promise<T | undefined> =>
    isStopping() ? within(ms, work, () => undefined) : work
  const ended = (lease: Lease) => brief(lease.end(), LEASE_MS)

  /**
   * @returns whether the API knows
   */
  async function tell({ api, jobId, log }: InHand, report: Report): Promise<boolean> {
    const signal = isStopping() ? AbortSignal.timeout(TAKE_BACK_MS) : stop.finishing
    // A return is reported once only: the API can do without it.
    const patienceMs = isStopping() || report.status === 'queued' ? 0 : times.patienceMs
    try {
      await api.report(report, jobId, { signal, patienceMs })
      return true
    } catch (error) {
      log.warn({ error }, 'could not tell the API how it ended')
      // The API rejected it (no such job, or the job is over): repeating it changes nothing.
      return error instanceof Ended && error.ending.kind !== 'returned'
    }
  }

  async function remove({ receipt }: Received, log: Logger): Promise<void> {
    for (let failures = 1; ; failures++) {
      const refused = await brief(queues.delete(queueUrl, [receipt]))
      const refusal = refused ? refused.get(receipt) : UNANSWERED
      if (!refusal) return
      // If the message comes again, the API will say that the job is over.
      if (refusal.isOurFault || failures === DELETIONS || isStopping())
        return log.warn({ refusal }, 'could not delete the message: it will come again, and there is nothing to do then')
      await sleep(times.restMs(failures), undefined, { signal: stop.told }).catch(() => {})
    }
  }

  /** Makes the message visible again after this many seconds. */
  async function again({ receipt }: Received, seconds: number, log: Logger): Promise<void> {
    const refused = await brief(queues.extend(queueUrl, [receipt], Math.max(1, Math.round(seconds))))
    const refusal = refused ? refused.get(receipt) : UNANSWERED
    if (refusal) log.warn({ refusal }, 'could not say when the message comes again')
  }

  /** Sends a copy, whose receives are counted from zero. */
  async function renewed({ body, messageId }: Received, seconds: number, log: Logger): Promise<boolean> {
    const outgoing = { id: messageId, body, delaySeconds: Math.min(MOST_DELAY_S, Math.round(seconds)) }
    const sent = await brief(queues.sendBatch(queueUrl, [outgoing]))
    const refusal = sent ? sent[0]!.refusal : UNANSWERED
    if (refusal) log.warn({ refusal }, 'could not send the message again')
    return !refusal
  }

  async function bury(received: Received, cause: string, log: Logger, known?: LastResort): Promise<void> {
    const lastResort = known ?? (await lastResortOf(queues, queueUrl))
    if (await buried(queues, received, cause, lastResort, log)) await remove(received, log)
    else await again(received, times.againSeconds(received.receiveCount), log)
  }

  async function fail(inHand: InHand, { cause, permanent }: Ending & { kind: 'failed' }): Promise<void> {
    const { received, log, lease } = inHand
    log.warn({ cause, permanent }, `failed: ${cause}`)
    const isTold = await tell(inHand, { status: 'failed', error_message: cause, ...(permanent && { permanent }) })
    await ended(lease)
    if (isTold) await remove(received, log)
    else await again(received, times.againSeconds(received.receiveCount), log)
  }

  async function giveBack(inHand: InHand, { cause, blame }: Ending & { kind: 'returned' }): Promise<void> {
    const { received, log, lease } = inHand
    const { receiveCount: receives } = received
    const lastResort = await brief(inHand.lastResort, LEASE_MS)
    const isLast = lastResort !== undefined && receives >= lastResort.maxReceives
    if (isLast && blame === 'job') {
      const error_message = `${cause} (tried ${receives} times)`
      await tell(inHand, { status: 'failed', error_message })
      await ended(lease)
      await bury(received, error_message, log, lastResort)
      return measures.ended('given-up')
    }
    const seconds = isStopping() ? 1 : times.againSeconds(receives)
    log.warn({ cause, seconds }, `returned to the queue: ${cause}`)
    await tell(inHand, { status: 'queued', error_message: cause })
    await ended(lease)
    // A job must not be given up because something else was away.
    if (isLast && (await renewed(received, seconds, log))) await remove(received, log)
    else await again(received, seconds, log)
    measures.ended('returned')
  }

  return {
    bury,
    async settle(inHand, ending) {
      const { received, log, lease } = inHand
      switch (ending.kind) {
        case 'completed':
          log.info(ending, 'completed')
          await ended(lease)
          await remove(received, log)
          break
        case 'unwanted':
          log.info(ending, `nothing to do: ${ending.cause}`)
          await ended(lease)
          await remove(received, log)
          break
        case 'failed':
          await fail(inHand, ending)
          break
        case 'stray':
          await ended(lease)
          await bury(received, ending.cause, log)
          break
        case 'lost':
          log.warn('another worker has the message: stopped')
          break
        case 'returned':
          return giveBack(inHand, ending)
      }
      measures.ended(ending.kind)
    },
  }
}
