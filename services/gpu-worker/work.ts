import type { Logger } from '#platform/telemetry/logger.ts'
import type { YtDlp } from '#platform/ytdlp/install.ts'
import type { Verdict } from '#platform/ytdlp/verdict.ts'
import { Ended, type Ending, endingOf } from './ending.ts'
import { doJob } from './job.ts'
import type { Report } from './job-api.ts'
import { heardKey, studyKey } from './keys.ts'
import type { Measures } from './measures.ts'
import { openProgress } from './progress.ts'
import type { InHand } from './settle.ts'
import { openStored } from './stored.ts'
import { takeWorkFolder } from './work-folder.ts'
import type { Stop, Times, WorkerParts } from './worker-parts.ts'

export interface WorkOptions {
  parts: WorkerParts
  times: Times
  stop: Stop
  measures: Measures
  ytDlp: YtDlp
  /** Called with YouTube's answer, about a video or in general. */
  onVerdict(verdict: Verdict | undefined): Promise<void>
  onWarning(verdict: Verdict): void
}

/**
 * Does what a message asks for.
 * @param gone aborted with an Ended as reason when the work has become useless
 * @returns how it ended; never rejects
 */
export async function workOn(
  inHand: InHand,
  gone: AbortController,
  { parts, times, stop, measures, ytDlp, onVerdict, onWarning }: WorkOptions,
): Promise<Ending> {
  const { api, log } = inHand
  const signal = AbortSignal.any([stop.told, gone.signal])
  const { patienceMs } = times
  try {
    const job = await api.report({ status: 'processing' }, inHand.jobId, { signal, patienceMs })
    inHand.jobId = job.job_id
    if (!job.wanted) {
      if (job.status === 'completed') await tidy(job.video_id, parts, stop, log)
      return { kind: 'unwanted', cause: `the job is over: it is ${job.status}` }
    }
    const folder = takeWorkFolder(parts.settings.VIDWIZ_DATA)
    const progress = openProgress({
      log,
      everyMs: times.progressMs,
      tell: (step, percent) => tellProgress(inHand, { status: 'processing', step, percent }, signal, gone),
      onStep: measures.step,
    })
    try {
      const missing = await doJob(job, {
        ...parts,
        api,
        ytDlp,
        folder: folder.path,
        signal,
        finishing: stop.finishing,
        patienceMs,
        stored: storedFor(parts, signal, patienceMs, log),
        progress,
        onHeard: measures.heard,
        onVerdict,
        onWarning,
      })
      await tidy(job.video_id, parts, stop, log)
      return { kind: 'completed', missing }
    } finally {
      await progress.end()
      folder.remove()
    }
  } catch (error) {
    // An aborted step fails in its own way, so the abort's reason counts.
    const ending = endingOf(signal.aborted ? signal.reason : error)
    if (ending.kind === 'returned' && !(error instanceof Ended)) log.warn({ error }, 'a step failed')
    return ending
  }
}

const storedFor = ({ objects }: WorkerParts, signal: AbortSignal, patienceMs: number, log: Logger) =>
  openStored({
    objects,
    signal,
    patienceMs,
    onTrouble: ({ message }) => log.warn(`asking the store again: ${message}`),
    onBroken: (key) => log.warn({ key }, 'a stored object is incomplete, or of another job: it is made again'),
  })

/** Removes the worker's own copies. If that fails, only a few kilobytes remain. */
async function tidy(videoId: string, parts: WorkerParts, { finishing }: Stop, log: Logger): Promise<void> {
  try {
    const stored = storedFor(parts, finishing, 0, log)
    for (const key of [heardKey(videoId), studyKey(videoId)]) await stored.remove(key)
  } catch (error) {
    log.warn({ error }, 'could not remove the copies of what was made')
  }
}

/** A lost report does no harm; but an answer may say that the job is no longer wanted. */
async function tellProgress({ api, jobId }: InHand, report: Report, signal: AbortSignal, gone: AbortController) {
  try {
    const { wanted } = await api.report(report, jobId, { signal })
    if (!wanted) gone.abort(new Ended({ kind: 'unwanted', cause: 'the job is over' }))
  } catch (error) {
    if (error instanceof Ended && error.ending.kind === 'unwanted') gone.abort(error)
  }
}
