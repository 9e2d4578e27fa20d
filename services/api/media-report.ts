import { z } from 'zod'
import { MEDIA_STEPS } from '#events/media.ts'
import { FEWEST, MOST } from '#events/study.ts'
import { list } from '#platform/http/bounded.ts'
import { boolean, integer, rule, text } from '#platform/http/fields.ts'
import { isStorable, strip } from '#platform/http/text.ts'
import { languageField } from './language.ts'
import { VideoIdError, videoIdOf } from './video-id.ts'

/** A field that names a video by YouTube's id, or by its number here, which some workers use. */
export const videoOrNumber = z
  .string()
  .transform((given, { issues }): string | number => {
    try {
      return videoIdOf(given)
    } catch (error) {
      if (!(error instanceof VideoIdError)) throw error
      if (/^[1-9]\d{0,14}$/.test(given)) return Number(given)
      issues.push({ code: 'custom', message: `Value error, ${error.message}`, input: given })
      return z.NEVER
    }
  })
  .meta({ description: "YouTube's id, or the number of the video" })

const MAX_LINE = 2_000
const line = z
  .string()
  .transform(strip)
  .refine(
    (line) => isStorable(line) && line !== '' && line.length <= MAX_LINE,
    rule(`a line must have 1 to ${MAX_LINE} characters`),
  )

const fiveToTen = <T extends z.ZodType>(one: T) => list(one, { min: FEWEST, max: MOST })

const Flashcard = z.object({ front: line, back: line })
const Question = z.object({
  question: line,
  options: list(line, { max: 4 }).refine(
    (all) => all.length === 4 && new Set(all).size === 4,
    rule('options must be 4 different ones'),
  ),
  correct_answer: integer({ min: 0, max: 3 }),
})

const seconds = z.number().min(0)
const MAX_ROW = 10_000
const Row = z.object({
  text: text({ max: MAX_ROW }).transform(strip),
  offset: seconds,
  duration: seconds,
})

/** The stored form of a transcript's rows; empty rows are left out. */
const Rows = list(Row)
  .refine((rows) => rows.every((row, n) => n === 0 || row.offset >= rows[n - 1]!.offset), rule('rows must be in order of time'))
  .transform((rows) => rows.filter(({ text }) => text !== ''))

const word = text({ min: 1, max: 200 })
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, rule('sha256 must be 64 hexadecimal digits'))

export const STATUSES = ['processing', 'completed', 'queued', 'failed'] as const

/** A media worker's report on a job. */
export const Report = z
  .object({
    status: z.enum(STATUSES).meta({
      description: 'processing: begins, or goes on; queued: gives it back, its message comes again; completed and failed end it',
    }),
    job_id: integer({ min: 1 }).nullish().meta({ description: 'Left out only by who begins on a message that names none' }),
    step: z.enum(MEDIA_STEPS).nullish(),
    percent: z.number().min(0).max(100).nullish().meta({ description: 'Of the step' }),
    transcript: z
      .object({
        rows: Rows,
        language: languageField.nullish(),
        model: word.nullish(),
        origin: z.enum(['speech', 'text']).nullish(),
      })
      .nullish()
      .meta({
        description:
          'What was heard, in a report of processing; origin text: by a worker that tells no times, which are made up then',
      }),
    audio: z.object({ s3_key: text({ min: 1, max: 512 }), size_bytes: integer({ min: 0 }), sha256 }).nullish(),
    study: z
      .object({ language: languageField, flashcards: fiveToTen(Flashcard), quiz: fiveToTen(Question), model: word.nullish() })
      .nullish(),
    missing: z.string().nullish().meta({ description: 'Why there is no study' }),
    error_message: z.string().nullish(),
    permanent: boolean().nullish().meta({ description: 'No attempt would help. Left out, what error_message says counts' }),
  })
  .check(({ value, issues }) => {
    const needs = (field: string, message: string) =>
      issues.push({ code: 'custom', path: [field], message: `Value error, ${message}`, input: value })
    const { status, job_id, step, percent, transcript } = value
    const isStart = status === 'processing' && !step && !transcript
    if (!job_id && !isStart) needs('job_id', 'job_id must say which job')
    if (step && typeof percent !== 'number') needs('percent', 'percent must say how far the step is')
    if (transcript && status !== 'processing') needs('transcript', 'a transcript belongs to a report of processing')
  })
export type Report = z.output<typeof Report>
