import { setTimeout as delay } from 'node:timers/promises'
import { unlessAborted } from '#platform/deadline.ts'
import type { Objects } from '#platform/objects/objects.ts'
import { reasonOf } from './log.ts'

/** A line of a transcript, and when it begins. */
export interface Row {
  text: string
  /** In seconds; some rows have none. */
  offset: number | undefined
}

export interface TranscriptOptions {
  objects: Objects
  /** Number of tries and the pause between them: the transcript may still be on its way. */
  attempts: number
  delayMs: number
}

/** Reads the transcript of a video. */
export type ReadTranscript = (videoId: string, signal: AbortSignal) => Promise<Row[]>

export const transcriptReader =
  ({ objects, attempts, delayMs }: TranscriptOptions): ReadTranscript =>
  async (videoId, signal) => {
    const key = `transcripts/${videoId}.json`
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted()
      // A stalled download must not use up the time reserved for reporting the other messages.
      const found = await unlessAborted(signal, objects.get(key)).catch((error: Error) => error)
      signal.throwIfAborted()
      if (found instanceof Buffer) return rowsOf(found.toString())
      const why = found ? reasonOf(found) : 'there is none'
      if (attempt >= attempts) throw new Error(`no transcript at ${key} (${attempt} attempts): ${why}`)
      await delay(delayMs, undefined, { signal })
    }
  }

/** Concurrent and later readers of one transcript share a single read. */
export function sharing(read: ReadTranscript): ReadTranscript {
  const readings = new Map<string, Promise<Row[]>>()
  return (videoId, signal) => {
    const reading = readings.get(videoId) ?? read(videoId, signal)
    readings.set(videoId, reading)
    return reading
  }
}

/** Non-empty rows. @throws Error when it is not a list of rows */
export function rowsOf(json: string): Row[] {
  const rows = parsed(json)
  if (!Array.isArray(rows)) throw new Error('the transcript is not a list of rows')
  return rows.flatMap((row: { text?: unknown; offset?: unknown } | null) => {
    const text = typeof row?.text === 'string' ? row.text.replace(/\s+/g, ' ').trim() : ''
    return text === '' ? [] : [{ text, offset: secondsIn(row?.offset) }]
  })
}

function secondsIn(offset: unknown): number | undefined {
  const seconds = typeof offset === 'string' && offset.trim() !== '' ? Number(offset) : offset
  return typeof seconds === 'number' && Number.isFinite(seconds) ? seconds : undefined
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
