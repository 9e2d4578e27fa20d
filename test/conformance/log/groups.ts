import { v7 as uuidv7 } from 'uuid'
import type { Topic } from '#events/kit/stream.ts'
import { partitionOf } from '#platform/log/partitioner.ts'
import type { Appended, Appender, Group } from '#platform/log/port.ts'

/** A topic of its own: the suite knows nothing of the domain. */
export const topic: Topic = { name: 'conformance.things', partitions: 12 }

/** A group that appends these events to one stream of which `expected` is the version seen. */
export function group(stream: string, expected: number, events: Partial<Appended>[], { keep }: { keep?: string } = {}): Group {
  return {
    streams: [
      keep
        ? { stream, expected, next: { version: expected + events.length, stateVersion: 1, state: keep, time: 0, unkept: 0 } }
        : { stream, expected },
    ],
    events: events.map((event, i) => ({
      id: uuidv7(),
      type: 'Happened',
      schema: 1,
      topic: topic.name,
      partition: partitionOf(stream, topic.partitions),
      key: stream,
      stream,
      version: expected + i + 1,
      time: Date.now(),
      actor: null,
      correlationId: null,
      causationId: null,
      traceparent: null,
      data: '{}',
      ...event,
    })),
    reservations: [],
    credentials: [],
    results: [],
    counts: [],
  }
}

/** Appends `count` events to a stream. Throws when it loses. */
export async function write(appender: Appender, stream: string, expected: number, count: number): Promise<void> {
  const { streams } = await appender.load({ streams: [stream], ids: {}, idempotencyKeys: [] })
  const found = streams.get(stream)
  const current = found?.since.at(-1)?.version ?? found?.kept?.version ?? 0
  const [verdict] = await appender.append([
    group(
      stream,
      Math.max(expected, current),
      Array.from({ length: count }, () => ({})),
    ),
  ])
  if (!verdict?.positions) throw new Error(`lost ${stream}@${expected}`)
}
