import { z } from 'zod'

/** Messages from python/transcriber.py, one per line. */
const seconds = z.number().min(0)
const id = z.int()

const ready = z.object({
  device: z.string(),
  compute_type: z.string(),
  threads: z.int(),
  load_seconds: seconds,
  /** Remark on the choice of the device. */
  note: z.string().nullable(),
})
const segment = z.object({ id, text: z.string(), offset: seconds, duration: seconds })
const done = z.object({ id, language: z.string().nullable(), language_probability: z.number(), seconds })
const error = z.object({
  id: id.nullable(),
  kind: z.enum(['bad-audio', 'set-up', 'memory', 'failed']),
  message: z.string(),
})

const Message = z.union([
  z.strictObject({ beat: z.boolean() }),
  z.strictObject({ segment }),
  z.strictObject({ heard: z.object({ id, seconds }) }),
  z.strictObject({ begin: z.object({ id, seconds }) }),
  z.strictObject({ done }),
  z.strictObject({ error }),
  z.strictObject({ ready }),
  z.strictObject({ downloading: z.object({ model: z.string(), megabytes: z.number() }) }),
])
export type Message = z.output<typeof Message>
export type Ready = z.output<typeof ready>
export type Failure = z.output<typeof error>

/** Enough: a row for a minute of speech is about a hundredth of it. */
export const LONGEST_LINE = 64 * 1024

/**
 * @returns undefined when the line does not follow the protocol
 */
export function messageOf(line: string): Message | undefined {
  try {
    return Message.parse(JSON.parse(line))
  } catch {
    return undefined
  }
}

/** Command to transcribe a file. */
export const command = (id: number, file: string): string => `${JSON.stringify({ id, hear: file })}\n`
