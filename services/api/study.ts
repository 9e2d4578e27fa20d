import { hasStudy, type Media, type MediaStep } from '#events/media.ts'

/** Limits of media workers' jobs. */
export interface MediaOptions {
  /** Jobs that a user may ask for in a day (UTC). */
  quota: number
  /** Silence after which a job's message is sent again. */
  silenceMs: number
}

export const USUAL_MEDIA: MediaOptions = { quota: 10, silenceMs: 20 * 60_000 }

export const STUDY_STATUSES = ['none', 'awaited', 'queued', 'processing', 'completed', 'failed'] as const
export type StudyStatus = (typeof STUDY_STATUSES)[number]

/** The newest job of a video, and the languages of all finished studies. */
export interface StudyJob {
  status: Media['status']
  step: MediaStep | null
  /** Of the step. */
  percent: number | null
  /** As requested; null: the transcript's language. */
  language: string | null
  /** Languages of existing studies, the newest first. */
  languages: string[]
}

/** Percent of the whole job at which each step begins and ends. A video with a transcript goes straight to `study`. */
const PARTS: Record<MediaStep, [from: number, to: number]> = {
  download: [0, 10],
  audio: [10, 15],
  transcript: [15, 85],
  study: [85, 100],
}

function progressOf({ step, percent }: StudyJob): number {
  if (!step) return 0
  const [from, to] = PARTS[step]
  return Math.floor(from + ((to - from) * (percent ?? 0)) / 100)
}

/** Whether the newest job is for this language, as far as can be told before it completes. */
const isFor = ({ language, status }: StudyJob, asked: string | undefined) =>
  asked === undefined || language === asked || (language === null && status !== 'completed')

function statusOf(job: StudyJob | undefined, asked: string | undefined): StudyStatus {
  if (!job) return 'none'
  const has = hasStudy({ studies: job.languages }, asked)
  const isUnderWay = job.status === 'queued' || job.status === 'processing'
  if (isUnderWay && isFor(job, asked) && !(has && asked !== undefined)) return job.status as StudyStatus
  if (has) return 'completed'
  return job.status === 'withdrawn' || !isFor(job, asked) ? 'none' : job.status
}

/**
 * Status and progress of the flashcards and the quiz of a video in a language.
 * @param asked undefined: in any language
 */
export function standingOf(job: StudyJob | undefined, asked?: string) {
  const status = statusOf(job, asked)
  return {
    status,
    step: status === 'processing' ? job!.step : null,
    progress: status === 'completed' ? 100 : status === 'processing' ? progressOf(job!) : 0,
  }
}
