import { z } from 'zod'

/** What the child says, as python/transcriber.py has it: one of these in each line. */
const seconds = z.number().min(0)
const id = z.int()

const ready = z.object({
  device: z.string(),
  compute_type: z.string(),
  threads: z.int(),
  load_seconds: seconds,
  /** What is worth knowing about the choice of the device. */
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

/** A row of a minute is a hundredth of it. */
export const LONGEST_LINE = 64 * 1024

/** @returns undefined when the line is none of the protocol */
export function messageOf(line: string): Message | undefined {
  try {
    return Message.parse(JSON.parse(line))
  } catch {
    return undefined
  }
}

/** Asks for a file to be heard. */
export const command = (id: number, file: string): string => `${JSON.stringify({ id, hear: file })}\n`
