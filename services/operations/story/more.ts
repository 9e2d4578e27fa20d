import type { Recorded } from '#events/kit/envelope.ts'
import type { Known } from './tell.ts'
import { duration } from './text.ts'

/** More about an event, in lines: its place, who applied it when, and where it is parked. */
export function moreOf({ topic, partition, pos, time }: Recorded, { offset, applied, parked }: Known): string[] {
  const place = `position ${pos}, ${topic}/${partition}${offset === null ? '' : ` at offset ${offset}`}`
  const isParked = new Set(parked.map(({ consumer }) => consumer))
  const groups = Map.groupBy(
    applied.filter(({ consumer }) => !isParked.has(consumer)),
    ({ isPast, seenAt, by }) => {
      if (!isPast) return 'not come to it yet'
      const who = by ? ` by ${by.service} (pid ${by.pid} on ${by.host})` : ''
      // An upper bound: it was seen past the event at its next sign of life.
      return seenAt === null ? `done, it is not kept when` : `done${who} within ${duration(Math.max(0, seenAt - time))}`
    },
  )
  return [
    place,
    ...[...groups].map(([what, of]) => `${of.map(({ consumer }) => consumer).join(', ')}: ${what}`),
    ...parked.map(({ consumer, state, cause }) => `${consumer}: parked, ${state}${cause ? `: ${cause}` : ''}`),
  ]
}
