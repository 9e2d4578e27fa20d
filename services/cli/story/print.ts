import type { Recorded } from '#events/kit/envelope.ts'
import { duration, moment } from './text.ts'
import { type Hop, type Root, walk } from './tree.ts'
import { wordsOf } from './words.ts'

/** Of a moment as `tail` writes it. */
const WIDTH = 24
/** Deeper than any person reads: what comes of a chain of so many causes stays where it is. */
const DEEPEST = 30

/** The lines of a story: a line for each request, and below it one for each event, indented by what caused it. */
export function linesOf(roots: readonly Root[], isMeant: (event: Recorded) => boolean = () => false): string[] {
  return roots.flatMap(({ correlationId, actor, hops }) => {
    const who = actor ? ` by ${actor}` : ''
    const title = correlationId === null ? `not caused by a request${who}` : `request ${correlationId}${who}`
    return [`${' '.repeat(WIDTH)}  ${title}`, ...lines(hops, { correlationId, actor }, isMeant)]
  })
}

type Of = Pick<Root, 'correlationId' | 'actor'>

function lines(hops: readonly Hop[], of: Of, isMeant: (event: Recorded) => boolean): string[] {
  return [...walk(hops)].map(({ hop, depth }) => {
    const { event, afterMs, isTorn } = hop
    const at = afterMs === undefined ? moment(event.time) : `+${duration(afterMs)}`
    const remarks = [
      ...(event.actor && event.actor !== of.actor ? [`by ${event.actor}`] : []),
      ...(event.correlationId !== of.correlationId ? [`of request ${event.correlationId ?? 'of nobody'}`] : []),
      ...(isTorn ? [`caused by event ${event.causationId}, which is not in the database`] : []),
    ]
    const what = [event.type, event.stream, wordsOf(event), ...(remarks.length > 0 ? [`(${remarks.join(', ')})`] : [])]
    const mark = isMeant(event) ? '  <-- this one' : ''
    const text = what.filter((part) => part !== '').join('  ')
    return `${at.padStart(WIDTH)}  ${'  '.repeat(1 + Math.min(depth, DEEPEST))}${text}${mark}`
  })
}

/** The same for programs. */
export const jsonOf = (roots: readonly Root[]): object[] =>
  roots.map(({ correlationId, actor, hops }) => ({ correlationId, actor, events: hops.map(jsonOfHop) }))

const jsonOfHop = ({ event: { data, ...envelope }, afterMs, isTorn, children }: Hop): object => ({
  ...envelope,
  data: JSON.parse(data),
  afterMs: afterMs ?? null,
  isTorn,
  caused: children.map(jsonOfHop),
})
