import type { Row } from '../ports.ts'
import { withoutLoops } from './loops.ts'

/** Control characters, and characters that set the writing direction or a word break. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is taken out
const UNSEEN = /[\u0000-\u0008\u000e-\u001f\u007f\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]/g

/**
 * Turns segments into the rows of a transcript: in order of time, within the length of the audio, to the millisecond, without empty
 * rows and without loops.
 * @param seconds length of the audio
 */
export function rowsOf(segments: readonly Row[], seconds: number): Row[] {
  const rows: Row[] = []
  let previous = 0
  for (const { text, offset, duration } of segments) {
    const said = plain(text)
    const begins = Math.max(previous, rounded(offset))
    const ends = Math.min(rounded(offset + duration), Math.floor(seconds * 1000) / 1000)
    if (!said || begins >= ends) continue
    rows.push({ text: said, offset: begins, duration: rounded(ends - begins) })
    previous = begins
  }
  return withoutLoops(rows)
}

const rounded = (seconds: number) => Math.round(seconds * 1000) / 1000

/** Whisper produces at most 448 tokens for half a minute. */
const LONGEST = 4_000

const plain = (text: string) => text.slice(0, LONGEST).toWellFormed().replace(UNSEEN, '').replace(/\s+/g, ' ').trim()
