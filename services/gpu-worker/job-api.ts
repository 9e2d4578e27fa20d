import { z } from 'zod'
import type { MEDIA_STEPS } from '#events/media.ts'
import { ApiError, apiClient } from '../kit/api-client.ts'
import { away, Ended } from './ending.ts'
import type { Message } from './message.ts'
import { patiently } from './patience.ts'
import type { Row, Study } from './ports.ts'

const Transcript = z.object({
  s3_key: z.string(),
  sha256: z.string(),
  rows: z.int(),
  origin: z.string().nullish(),
  language: z.string().nullish(),
})

const Job = z.object({
  video_id: z.string().regex(/^[\w-]{11}$/),
  job_id: z.int().positive(),
  status: z.string(),
  /** Whether anybody still wants the result. */
  wanted: z.boolean(),
  language: z.string().nullish(),
  title: z.string().nullish(),
  duration_seconds: z.number().nullish(),
  /** The transcript that notes, summaries and the chat are made from. */
  transcript: Transcript.nullish(),
  studies: z.array(z.string()).default([]),
})

/** A job as the API returns it. */
export type Job = z.output<typeof Job>
export type StoredTranscript = z.output<typeof Transcript>

export type Step = (typeof MEDIA_STEPS)[number]

export interface HeardTranscript {
  rows: Row[]
  language: string
  model: string
}

export interface Made {
  audio?: { s3_key: string; size_bytes: number; sha256: string } | undefined
  study?: Study | undefined
  missing?: string | undefined
}

export type Report =
  | { status: 'processing'; step?: Step; percent?: number; transcript?: HeardTranscript }
  | ({ status: 'completed' } & Made)
  | { status: 'queued'; error_message: string }
  | { status: 'failed'; error_message: string; permanent?: true }

export interface ReportOptions {
  signal: AbortSignal
  /** How long to retry while the API is away, in milliseconds; default: a single try. */
  patienceMs?: number
}

/** Reports on one job to the API. */
export interface JobApi {
  /**
   * @param jobId from the API or the message
   * @returns the job after the report
   * @throws Ended when the API is away, refuses the token or rejects the report; the reason of `signal` when aborted
   */
  report(report: Report, jobId: number | undefined, options: ReportOptions): Promise<Job>
}

/** A long transcript is uploaded and stored before the answer comes. */
const ANSWER_MS = 30_000

/**
 * @param url of the API, without `/v2`
 * @param onTrouble called when a request is retried
 */
export const jobApi =
  (url: string, token: string, onTrouble: (error: Error) => void) =>
  ({ video, headers }: Message): JobApi => {
    const { base, ask, json } = apiClient(url, '/v2/internal/media', token)
    return {
      async report(report, jobId, { signal, patienceMs = 0 }) {
        const body = JSON.stringify({ ...(jobId !== undefined && { job_id: jobId }), ...report })
        const once = async () => {
          const request = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body }
          const response = await ask(`/${encodeURIComponent(video)}`, { ...request, timeoutMs: ANSWER_MS, signal })
          const job = Job.safeParse(await json(response, signal))
          if (job.success) return job.data
          throw new ApiError(`${base} answered with something that is not a job`, 200)
        }
        const mayPass = (error: unknown) => error instanceof ApiError && error.mayPass
        try {
          return await patiently(once, { forMs: patienceMs, signal, mayPass, onTrouble })
        } catch (error) {
          signal.throwIfAborted()
          throw error instanceof ApiError ? meaningOf(error, jobId !== undefined) : error
        }
      },
    }
  }

/**
 * @param isOurs whether the message named a job: such a job can be over, and its message late
 */
function meaningOf(error: ApiError, isOurs: boolean): Ended {
  const { message: cause, status } = error
  if (error.mayPass) return away(`the API is away: ${cause}`, { cause: error })
  if (error.isForbidden)
    return new Ended({ kind: 'returned', cause: `${cause}: is ADMIN_TOKEN that of the API?`, blame: 'world', rests: 'set-up' })
  if (status === 404) return new Ended(isOurs ? { kind: 'unwanted', cause } : { kind: 'stray', cause })
  if (status === 200) return new Ended({ kind: 'returned', cause, blame: 'world', rests: 'set-up' })
  return new Ended({ kind: 'failed', cause: `the API refused the result: ${cause}`, permanent: false })
}
