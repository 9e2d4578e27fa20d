import { Ended, returned } from './ending.ts'
import { type HearingOptions, hearVideo } from './hear.ts'
import type { Job, JobApi, Report } from './job-api.ts'
import { audioKey } from './keys.ts'
import { type LearningOptions, learn, readRows } from './learn.ts'

export interface JobOptions extends HearingOptions, LearningOptions {
  api: JobApi
  /** Aborted some time after `signal`: what was made may still be told of. */
  finishing: AbortSignal
  /** For how long the API may be away. */
  patienceMs: number
}

/**
 * Does a job from where it stands to its end: a transcript, unless there is one; flashcards and a quiz; and the API is told.
 * @returns why there are no flashcards, if there are none
 * @throws Ended, errors of the ports, what `signal` was aborted with
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
    // What says nothing is no transcript: nobody could answer from it.
    if (rows.length > 0) job = await report({ status: 'processing', transcript: { rows, language, model } })
  }
  const { study, missing } = await learnt(job, options, report)
  await report({ status: 'completed', audio: await audioOf(videoId, options), study, missing }, finishing)
  return missing
}

async function learnt(job: Job, options: JobOptions, report: (report: Report) => Promise<Job>) {
  if (!job.transcript) return { missing: 'nothing is said in the video' }
  let current = job
  // It may have been replaced by another one since the API told of it.
  for (let look = 1; look <= 2; look++) {
    const transcript = current.transcript!
    const rows = await readRows(options.stored, transcript)
    if (rows) return learn(current, rows, transcript, options)
    if (look === 1) current = await report({ status: 'processing' })
    if (!current.transcript) break
  }
  // It may be lost for good: the job must not be returned for ever.
  throw returned('the store does not have the transcript that the API tells of: see to S3_BUCKET_NAME')
}

async function audioOf(videoId: string, { stored }: JobOptions) {
  const s3_key = audioKey(videoId)
  const found = await stored.find(s3_key)
  return found && { s3_key, size_bytes: found.sizeBytes, sha256: found.sha256 }
}
