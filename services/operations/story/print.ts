import type { Recorded } from '#events/kit/envelope.ts'
import { duration, moment } from './text.ts'
import { type Hop, type Root, walk } from './tree.ts'
import { wordsOf } from './words.ts'

/** Width of a timestamp as `tail` writes it. */
const WIDTH = 24
/** Deeper events are not indented further. */
const DEEPEST = 30

/** The lines of a story: one for each request, and below it one for each event, indented under its cause. */
export function linesOf(
  roots: readonly Root[],
  isMeant: (event: Recorded) => boolean = () => false,
  more: (event: Recorded) => readonly string[] = () => [],
): string[] {
  return roots.flatMap(({ correlationId, actor, hops }) => {
    const who = actor ? ` by ${actor}` : ''
    const title = correlationId === null ? `not caused by a request${who}` : `request ${correlationId}${who}`
    return [`${' '.repeat(WIDTH)}  ${title}`, ...lines(hops, { correlationId, actor }, isMeant, more)]
  })
}

type Of = Pick<Root, 'correlationId' | 'actor'>

function lines(
  hops: readonly Hop[],
  of: Of,
  isMeant: (event: Recorded) => boolean,
  more: (event: Recorded) => readonly string[],
): string[] {
  return [...walk(hops)].flatMap(({ hop, depth }) => {
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
    const indent = '  '.repeat(1 + Math.min(depth, DEEPEST))
    return [
      `${at.padStart(WIDTH)}  ${indent}${text}${mark}`,
      ...more(event).map((line) => `${' '.repeat(WIDTH)}  ${indent}  | ${line}`),
    ]
  })
}

/**
 * The same as JSON.
 * @param more further fields of an event; may replace its payload with a masked one
 */
export const jsonOf = (roots: readonly Root[], more: (event: Recorded) => object = () => ({})): object[] =>
  roots.map(({ correlationId, actor, hops }) => ({ correlationId, actor, events: hops.map((hop) => jsonOfHop(hop, more)) }))

const jsonOfHop = ({ event, afterMs, isTorn, children }: Hop, more: (event: Recorded) => object): object => {
  const { data, ...envelope } = event
  return {
    ...envelope,
    data: JSON.parse(data),
    ...more(event),
    afterMs: afterMs ?? null,
    isTorn,
    caused: children.map((child) => jsonOfHop(child, more)),
  }
}
