import { breather } from '#platform/breather.ts'
import { lineOf, type Segment } from './segments.ts'
import { momentsIn, termsOf } from './terms.ts'

/** A transcript, cut to a budget. */
export interface Excerpt {
  /** One per segment, in the order of the transcript; `GAP` where some are left out. */
  lines: string[]
  isWhole: boolean
}

export const GAP = '[…]'

/** Neighbouring segments that are kept or left out together: about half a minute of speech. */
interface Stretch {
  lines: string[]
  bytes: number
  /** Seconds. */
  from: number
  to: number
}

const STRETCH_BYTES = 500
/** Only the beginning of a longer question is used: by then its topic is clear. */
const QUESTION_LENGTH = 2_000
/** Longer segments are split, because a line is kept or left out whole. */
const LINE_BYTES = 2_000
const bytesOf = (line: string) => Buffer.byteLength(line) + 1
const GAP_BYTES = bytesOf(GAP)

/**
 * Cuts a transcript to a budget. First come the stretches at moments that the newest question names. Next come those that share the
 * rarest words with the questions, each with its neighbours. The remaining room goes to stretches spread evenly over the video.
 *
 * @param questions newest first; each weighs half as much as the one before
 * @param budgetBytes of the lines in UTF-8, each with its line end
 */
export async function excerptOf(
  segments: readonly Segment[],
  questions: readonly string[],
  budgetBytes: number,
): Promise<Excerpt> {
  const lines = segments.map(lineOf)
  if (lines.reduce((sum, line) => sum + bytesOf(line), 0) <= budgetBytes) return { lines, isWhole: true }

  const stretches = stretchesOf(segments)
  const kept = new Set<number>()
  // Worst case: a gap before each stretch and one after the last.
  let room = budgetBytes - GAP_BYTES
  for (const i of [...(await ranked(stretches, questions)), ...spread(stretches.length)]) {
    const stretch = stretches[i]
    if (!stretch || kept.has(i) || stretch.bytes + GAP_BYTES > room) continue
    kept.add(i)
    room -= stretch.bytes + GAP_BYTES
  }
  return { lines: withGaps(stretches, kept, budgetBytes), isWhole: false }
}

function stretchesOf(segments: readonly Segment[]): Stretch[] {
  const stretches: Stretch[] = []
  let last: Stretch | undefined
  for (const segment of segments.flatMap(inPieces)) {
    const line = lineOf(segment)
    const bytes = bytesOf(line)
    if (!last || last.bytes + bytes > STRETCH_BYTES) {
      last = { lines: [], bytes: 0, from: segment.offset, to: segment.offset }
      stretches.push(last)
    }
    last.lines.push(line)
    last.bytes += bytes
    last.to = Math.max(last.to, segment.offset)
  }
  return stretches
}

/** Splits a very long segment into several at the same moment. */
function inPieces(segment: Segment): Segment[] {
  if (segment.text.length * 3 <= LINE_BYTES) return [segment]
  const letters = [...segment.text]
  const length = LINE_BYTES / 4
  return Array.from({ length: Math.ceil(letters.length / length) }, (_, i) => ({
    offset: segment.offset,
    text: letters.slice(i * length, (i + 1) * length).join(''),
  }))
}

/** Indexes of stretches relevant to the questions, best first, each followed by its neighbours. */
async function ranked(stretches: readonly Stretch[], questions: readonly string[]): Promise<number[]> {
  const scores = await scoresOf(stretches, questions)
  const best = [...scores.keys()].filter((i) => scores[i]! > 0).sort((a, b) => scores[b]! - scores[a]! || a - b)
  return [...named(stretches, questions[0] ?? ''), ...best].flatMap((i) => [i, i - 1, i + 1])
}

/** Indexes of the stretches that contain the moments named in a question. */
const named = (stretches: readonly Stretch[], question: string): number[] =>
  momentsIn(question.slice(0, QUESTION_LENGTH)).map((moment) => stretches.findLastIndex(({ from }) => from <= moment))

/** Scores each term of a question by how rare it is among the stretches: a term said everywhere tells nothing. */
async function scoresOf(stretches: readonly Stretch[], questions: readonly string[]): Promise<number[]> {
  const weights = new Map<string, number>()
  for (const [age, question] of questions.entries())
    for (const term of termsOf(question.slice(0, QUESTION_LENGTH)))
      weights.set(term, Math.max(weights.get(term) ?? 0, 0.5 ** age))
  const found: string[][] = []
  // A transcript may have tens of thousands of stretches.
  const breath = breather()
  for (const { lines } of stretches) {
    found.push([...termsOf(lines.join('\n'))].filter((term) => weights.has(term)))
    await breath()
  }
  const among = new Map<string, number>()
  for (const term of found.flat()) among.set(term, (among.get(term) ?? 0) + 1)
  const worth = (term: string) => weights.get(term)! * Math.log(stretches.length / among.get(term)!)
  return found.map((terms) => terms.reduce((sum, term) => sum + worth(term), 0))
}

/** All numbers below `count`, each as far as possible from those before it: halves, then quarters … (bit reversal) */
function spread(count: number): number[] {
  const bits = Math.ceil(Math.log2(Math.max(count, 1)))
  const reversed = (i: number) => {
    let turned = 0
    for (let bit = 0; bit < bits; bit++) turned |= ((i >> bit) & 1) << (bits - 1 - bit)
    return turned
  }
  return Array.from({ length: 2 ** bits }, (_, i) => reversed(i)).filter((i) => i < count)
}

function withGaps(stretches: readonly Stretch[], kept: ReadonlySet<number>, budgetBytes: number): string[] {
  const lines: string[] = []
  let inGap = false
  for (const [i, stretch] of stretches.entries()) {
    if (kept.has(i)) lines.push(...stretch.lines)
    else if (!inGap && budgetBytes >= GAP_BYTES) lines.push(GAP)
    inGap = !kept.has(i)
  }
  return lines
}
