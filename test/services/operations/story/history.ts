import { deciders } from '#events/catalog.ts'
import type { NewEvent, Recorded } from '#events/kit/envelope.ts'
import { BEGINNING, recordedAs } from '#test/kit/world.ts'

/** An event, after so many milliseconds, and the number of the event that caused it (from 1). */
export type Happening = [event: NewEvent, more?: { afterMs?: number; by?: number; actor?: string; request?: string | null }]

/** A history as a log would hand it over; events go back to request `r-1` unless said otherwise. */
export function history(...happenings: Happening[]): { events: Recorded[]; states: Map<string, unknown>; now: number } {
  const versions = new Map<string, number>()
  const events: Recorded[] = []
  let time = BEGINNING
  for (const [event, { afterMs = 0, by, actor = 'user-1', request = 'r-1' }] of happenings.map(
    ([e, more = {}]) => [e, more] as const,
  )) {
    const version = (versions.get(event.stream) ?? 0) + 1
    versions.set(event.stream, version)
    time += afterMs
    const causationId = by === undefined ? null : events[by - 1]!.id
    events.push(recordedAs(event, { pos: events.length + 1, version, time, actor, correlationId: request, causationId }))
  }
  return { events, states: statesOf(events), now: time }
}

function statesOf(events: readonly Recorded[]): Map<string, unknown> {
  const states = new Map<string, unknown>()
  for (const event of events) {
    const decider = deciders.find(({ stream: { kind } }) => event.stream.startsWith(`${kind}-`))!
    states.set(event.stream, decider.evolve(states.get(event.stream), { ...event, data: JSON.parse(event.data) } as never))
  }
  return states
}
