import type { Cue } from './row.ts'
import { plainLine } from './text.ts'

const TIME = String.raw`(?:(\d{2,}):)?([0-5]\d):([0-5]\d)[.,](\d{3})`
const TIMING = new RegExp(`^\\s*${TIME}[ \\t]+-->[ \\t]+${TIME}(?:[ \\t].*)?$`)

const msOf = (hours: string | undefined, minutes: string, seconds: string, ms: string) =>
  ((Number(hours ?? 0) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 + Number(ms)

/**
 * Parses captions in the format WebVTT.
 * @throws SyntaxError when the format is different
 */
export function readVtt(text: string): Cue[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/)
  if (!/^WEBVTT(?:\s|$)/.test(lines[0]!)) throw new SyntaxError('these captions are not WebVTT: their head is missing')
  const cues: Cue[] = []
  let cue: Cue | undefined
  for (const line of lines.slice(1)) {
    const timing = TIMING.exec(line)
    if (timing) {
      const [, h, m, s, ms, toH, toM, toS, toMs] = timing
      cue = { lines: [], startMs: msOf(h, m!, s!, ms!), endMs: msOf(toH, toM!, toS!, toMs!) }
      cues.push(cue)
    } else if (line === '') cue = undefined
    else cue?.lines.push(plainLine(line))
  }
  return cues.map((cue) => ({ ...cue, lines: cue.lines.filter(Boolean) })).filter((cue) => cue.lines.length > 0)
}
