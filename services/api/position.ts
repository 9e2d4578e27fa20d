import { topics } from '#events/topics.ts'
import type { Place } from '#platform/log/port.ts'
import { badRequest } from './errors.ts'

/**
 * The places of a write (topic, partition, position) as a text that a client carries to a read: `notes.3.42,videos.3.41`.
 * Clients treat it as opaque. Only the last position of each partition is kept.
 */
export function positionText(places: readonly Place[]): string {
  const last = new Map<string, number>()
  for (const { topic, partition, pos } of places) {
    const name = `${shortOf(topic)}.${partition}`
    last.set(name, Math.max(pos, last.get(name) ?? 0))
  }
  return [...last].map(([name, pos]) => `${name}.${pos}`).join(',')
}

/**
 * Parses such a text.
 *
 * @throws HttpError 400 when it is malformed or names an impossible topic, partition or position
 */
export function placesIn(text: string): Place[] {
  const names = text.split(',', MAX_PLACES + 1)
  if (names.length > MAX_PLACES) throw malformed()
  return names.map((name) => {
    const { short, partition, pos } = PLACE.exec(name)?.groups ?? {}
    const topic = topicOf.get(short ?? '')
    if (!topic || Number(partition) >= topic.partitions) throw malformed()
    return { topic: topic.name, partition: Number(partition), pos: Number(pos) }
  })
}

const PLACE = /^(?<short>[a-z-]+)\.(?<partition>\d{1,4})\.(?<pos>[1-9]\d{0,14})$/
/** More than any answer has: a command touches a few streams. */
const MAX_PLACES = 32

const shortOf = (topic: string) => topic.slice(topic.lastIndexOf('.') + 1)
const topicOf = new Map(topics.map((topic) => [shortOf(topic.name), topic]))

const malformed = () => badRequest('VidWiz-Position must be what the answer to a write gave')
