import { askMediaAgain, beginHearing } from '#events/media.ts'
import { now as clock } from '#platform/clock.ts'
import { Rejected } from '#platform/log/commands/executor.ts'
import { type Due, startSweeper } from '#platform/log/reactor/sweeper.ts'
import type { Queues } from '#platform/sqs/queues.ts'
import { openSpell } from '#platform/telemetry/spell.ts'
import { type MediaRow, mediaIn } from '#projections/media.ts'
import type { Ground } from '../kit/reactor-service.ts'
import { isLate } from './late.ts'
import { NAME } from './reactor.ts'

/** Jobs handled in one sweep. */
const MOST = 200
/** Interval of the sweep that begins transcriptions. */
const BEGIN_MS = 5_000
const ASK_AGAIN_MS_MAX = 15_000

export interface Sweep {
  stop(): Promise<void>
}

/** Begins the transcription of waiting videos, the oldest first, up to a daily limit (UTC). Logs once when the limit is reached. */
export function beginHearings({ db, execute, log }: Pick<Ground, 'db' | 'execute' | 'log'>, perDay: number): Sweep {
  const spell = openSpell(log, { sweep: 'hearings' })
  let restUntil = 0
  return startSweeper({
    execute,
    everyMs: BEGIN_MS,
    inTurn: true,
    async due() {
      if (Date.now() < restUntil) return []
      const waiting = await mediaIn(db, ['awaited'], { limit: MOST })
      spell.worked()
      return waiting.map((row) => ({ command: beginHearing({ videoId: row.video_id, perDay }), context: contextOf(row) }))
    },
    onError(error) {
      const seconds = untilTomorrow(error)
      if (seconds === undefined) return spell.failed(error)
      restUntil = Date.now() + seconds * 1_000
      log.info({ until: new Date(restUntil) }, `the other videos wait: ${(error as Error).message}`)
    },
  })
}

/**
 * @returns seconds until the daily limit is reset, if the error says that it was reached
 */
function untilTomorrow(error: unknown): number | undefined {
  if (!(error instanceof Rejected) || error.code !== 'RATE_LIMIT_EXCEEDED') return undefined
  return (error.details as { reset_in_seconds: number }).reset_in_seconds
}

export interface Asking {
  queues: Pick<Queues, 'attributes'>
  /** URL of the media workers' queue. */
  url: string
  /** How long a job may be silent. */
  silenceMs: number
}

/**
 * Sends the message of a silent job again, and finally gives the job up. While the queue cannot be reached, no job counts as late.
 */
export function askAgain(
  { db, execute, log }: Pick<Ground, 'db' | 'execute' | 'log'>,
  { queues, url, silenceMs }: Asking,
): Sweep {
  const spell = openSpell(log, { sweep: 'silent jobs' })
  return startSweeper({
    execute,
    everyMs: Math.min(ASK_AGAIN_MS_MAX, silenceMs / 4),
    async due() {
      const now = clock()
      const silent = (status: 'processing' | 'queued') => mediaIn(db, [status], { before: now - silenceMs, limit: MOST })
      const rows = [...(await silent('processing')), ...(await silent('queued'))]
      const held = rows.length > 0 ? await queues.attributes(url) : undefined
      spell.worked()
      const late = rows.filter((row) => isLate(row, held!, now))
      // Jobs that the bridge has not sent yet: the decider skips them, so do not log them.
      const jobs = late.filter(({ status, message_id }) => status === 'processing' || message_id !== null)
      if (jobs.length > 0)
        log.warn(
          { jobs: jobs.map(({ job_id, video_id }) => `${job_id} (${video_id})`) },
          'media jobs have sent no report for too long',
        )
      return late.map((row): Due => {
        return { command: askMediaAgain({ videoId: row.video_id, silenceMs }), context: contextOf(row) }
      })
    },
    onError: spell.failed,
  })
}

const contextOf = ({ correlation_id: correlationId, event_id: causationId }: MediaRow) => ({
  actor: NAME,
  correlationId,
  causationId,
})
