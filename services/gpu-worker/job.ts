import { Ended, returned } from './ending.ts'
import { type HearingOptions, hearVideo } from './hear.ts'
import type { Job, JobApi, Report } from './job-api.ts'
import { audioKey } from './keys.ts'
import { type LearningOptions, learn, readRows } from './learn.ts'

export interface JobOptions extends HearingOptions, LearningOptions {
  api: JobApi
  /** Aborts some time after `signal`, so that finished work can still be reported. */
  finishing: AbortSignal
  /** How long the API may be away, in milliseconds. */
  patienceMs: number
}

/**
 * Finishes a job from its current state: makes a transcript unless there is one, then flashcards and a quiz, and reports to the
 * API.
 * @returns why there are no flashcards; undefined if there are
 * @throws Ended, errors of the ports, or the reason of `signal` when aborted
 */
export async function doJob(begun: Job, options: JobOptions): Promise<string | undefined> {
  const { api, signal, finishing, patienceMs } = options
  const { video_id: videoId, job_id: jobId } = begun
  const report = async (report: Report, until = signal) => {
    const job = await api.report(report, jobId, { signal: until, patienceMs })
    if (!job.wanted && report.status === 'processing')
      throw new Ended({ kind: 'unwanted', cause: `the job is over: ${job.job_id}` })
    return job
  }

  let job = begun
  if (!job.transcript) {
    const { rows, language, model } = await hearVideo(videoId, options)
    // Without speech there is no transcript: the chat could not answer from it.
    if (rows.length > 0) job = await report({ status: 'processing', transcript: { rows, language, model } })
  }
  const { study, missing } = await learnt(job, options, report)
  await report({ status: 'completed', audio: await audioOf(videoId, options), study, missing }, finishing)
  return missing
}

async function learnt(job: Job, options: JobOptions, report: (report: Report) => Promise<Job>) {
  if (!job.transcript) return { missing: 'nothing is said in the video' }
  let current = job
  // The transcript may have been replaced since the API's answer: ask once more.
  for (let look = 1; look <= 2; look++) {
    const transcript = current.transcript!
    const rows = await readRows(options.stored, transcript)
    if (rows) return learn(current, rows, transcript, options)
    if (look === 1) current = await report({ status: 'processing' })
    if (!current.transcript) break
  }
  // The transcript may be lost permanently, so the job must not return for ever.
  throw returned('the store lacks the transcript that the API names: check S3_BUCKET_NAME')
}

async function audioOf(videoId: string, { stored }: JobOptions) {
  const s3_key = audioKey(videoId)
  const found = await stored.find(s3_key)
  return found && { s3_key, size_bytes: found.sizeBytes, sha256: found.sha256 }
}
