import { catalog, deciders } from '#events/catalog.ts'
import { EventError } from '#events/kit/codec.ts'
import type { Recorded } from '#events/kit/envelope.ts'
import { decidersByKind } from '#events/kit/stream.ts'
import { topics } from '#events/topics.ts'
import { folding } from '#platform/log/commands/folding.ts'
import { stateOf } from '#platform/log/commands/memory.ts'
import { lagOf } from '#platform/log/consumers/lag.ts'
import { relayLag } from '#platform/log/kafka/relay-lag.ts'
import type { Reader } from '#platform/log/port.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { Late, ParkedEvent } from './sentences.ts'

/** Current states of streams, also of those whose events were pruned. A stream that cannot be folded is left out. */
export async function statesOf(db: Queryable, streams: readonly string[]): Promise<Map<string, unknown>> {
  const log = appender(db)
  const fold = folding({ appender: log, catalog, deciderOf: decidersByKind(deciders) })
  const { streams: found } = await log.load({ streams: [...new Set(streams)], ids: {}, idempotencyKeys: [] })
  const states = new Map<string, unknown>()
  for (const [stream, one] of found) {
    try {
      states.set(stream, stateOf(await fold(stream, one)))
    } catch (error) {
      if (!(error instanceof EventError)) throw error
    }
  }
  return states
}

const LATE = `
  select distinct c.consumer, c.topic
    from log.checkpoints c join unnest($1::text[], $2::int[], $3::bigint[]) e(topic, partition, pos) using (topic, partition)
   where c.pos < e.pos and c.consumer not like '%~next' order by 1`

/** The consumers that have not reached all of some events yet. */
export async function lateFor(
  db: Queryable,
  reader: Reader,
  events: readonly Recorded[],
  { isRelayed }: { isRelayed: boolean },
): Promise<Late[]> {
  const newest = [...Map.groupBy(events, ({ topic, partition }) => `${topic} ${partition}`).values()].map((own) =>
    own.reduce((a, b) => (a.pos > b.pos ? a : b)),
  )
  const found = await db.query<{ consumer: string; topic: string }>('story.late', LATE, [
    newest.map(({ topic }) => topic),
    newest.map(({ partition }) => partition),
    newest.map(({ pos }) => pos),
  ])
  const late = new Map<string, number>()
  for (const { consumer, topic: name } of found) {
    const topic = topics.find((topic) => topic.name === name)
    const lags = topic ? await lagOf({ name: consumer, topic }, { db, reader }) : []
    late.set(consumer, (late.get(consumer) ?? 0) + sum(lags))
  }
  if (isRelayed) {
    const lags = await relayLag(db, topics)
    if (newest.some(({ pos }) => pos > lags[0]!.pos)) late.set('relay', sum(lags))
  }
  // A consumer that has caught up meanwhile is not late.
  return [...late].filter(([, events]) => events > 0).map(([consumer, events]) => ({ consumer, events }))
}

const sum = (lags: readonly { events: number }[]) => lags.reduce((total, { events }) => total + events, 0)

/** The names of all consumers that have ever run here. */
export const consumersOf = async (db: Queryable): Promise<string[]> =>
  (await db.query<{ consumer: string }>('story.consumers', 'select distinct consumer from log.checkpoints')).map(
    ({ consumer }) => consumer,
  )

const MOST_PARKED = 50

/** Events of some streams that consumers parked. */
export const parkedOn = (db: Queryable, streams: readonly string[]): Promise<ParkedEvent[]> =>
  db.query<ParkedEvent>(
    'story.parked',
    `select consumer, stream, event ->> 'type' as type, pos, state, cause, error, place, pattern from log.dead_letters
      where stream = any ($1::text[]) order by pos, consumer limit ${MOST_PARKED}`,
    [streams],
  )

/** The oldest position in the database; undefined when it has no events. */
export async function firstPosition(db: Queryable): Promise<number | undefined> {
  const [first] = await db.query<{ pos: number | null }>('story.first', 'select min(pos) as pos from log.events')
  return first!.pos ?? undefined
}
