import { z } from 'zod'
import type { Cue } from './row.ts'
import { plainLine } from './text.ts'

/** The needed part of YouTube's format. Events without segments only define windows; events that append start a new line. */
const Event = z.object({
  tStartMs: z.number().nonnegative(),
  dDurationMs: z.number().nonnegative().default(0),
  segs: z.array(z.object({ utf8: z.string().default('') })).default([]),
})
const Json3 = z.object({ events: z.array(z.unknown()) })

/**
 * Parses captions in the format json3.
 * @throws SyntaxError when the format is different
 */
export function readJson3(text: string): Cue[] {
  const { success, data } = Json3.safeParse(JSON.parse(text))
  if (!success) throw new SyntaxError('these captions are not json3: there are no events')
  return data.events.flatMap((event): Cue[] => {
    const read = Event.safeParse(event)
    if (!read.success) return []
    const { tStartMs, dDurationMs, segs } = read.data
    const said = segs.map(({ utf8 }) => utf8).join('')
    const lines = said.split('\n').map(plainLine).filter(Boolean)
    return lines.length > 0 ? [{ lines, startMs: tStartMs, endMs: tStartMs + dDurationMs }] : []
  })
}
