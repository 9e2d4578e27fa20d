import type { Topic } from '#events/kit/stream.ts'
import { topics } from '#events/topics.ts'
import type { Observation, OwnerStanding, PartitionStanding, Pause } from '#platform/log/consumers/state.ts'
import { RELAY, relayLag } from '#platform/log/kafka/relay-lag.ts'
import type { PartitionBehind, Reader } from '#platform/log/port.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { type Expected, topicNamed } from './expected.ts'

/** Everything in the database about consumers, at one moment. */
const STANDINGS = `
  with living as materialized (select id from log.living_owners)
  select extract(epoch from clock_timestamp()) * 1000 as at,
         (select coalesce(max(pos), 0) from log.events) as head,
         (select json_agg(json_build_array(consumer, topic, partition, pos, extract(epoch from moved_at) * 1000, owner))
            from log.checkpoints where consumer not like '%~at-%') as checkpoints,
         (select json_agg(json_build_object('id', o.id, 'service', o.service, 'host', o.host, 'pid', o.pid,
                            'beatAt', extract(epoch from o.beat_at) * 1000, 'paused', o.paused,
                            'isAlive', o.id in (select id from living)))
            from log.owners o) as owners,
         (select json_agg(l) from (
            select consumer, topic, partition, count(distinct stream) as streams, count(*) as events, extract(epoch from min(at)) * 1000 as "oldestAt"
              from log.dead_letters where state <> 'skipped' group by 1, 2, 3) l) as parked,
         (select json_agg(distinct view) from log.replays
           where act = 'rebuild' and ended_at is null and beat_at > now() - interval '30 seconds') as rebuilding,
         (select json_build_object('pos', r.pos, 'owner', r.owner, 'movedAt', extract(epoch from r.moved_at) * 1000,
                   'oldestAt', (select time from log.events where pos > r.pos order by pos limit 1)) from log.relay r) as relay`

type CheckpointRow = [consumer: string, topic: string, partition: number, pos: number, movedAt: number, owner: string | null]
type OwnerRow = Omit<OwnerStanding, 'paused'> & { paused: Record<string, Pause> }
interface Relay {
  pos: number
  owner: string | null
  movedAt: number
  oldestAt: number | null
}
interface Read {
  at: number
  head: number
  checkpoints: CheckpointRow[]
  owners: OwnerRow[]
  parked: { consumer: string; topic: string; partition: number; streams: number; events: number; oldestAt: number }[]
  rebuilding: string[]
  relay: Relay
}

/** A rebuild without progress for this long counts as broken off. */
const REBUILDS_MS = 30_000
/** Events that wait for the relay for less time count as on their way. An owner without a beat for longer counts as silent. */
const FRESH_MS = 5_000

/** The observations of all consumers at one moment. */
export interface Standings {
  at: number
  head: number
  observations: Observation[]
}

/** Observes all consumers: the expected ones and any other with a checkpoint. Takes a handful of statements. */
export async function standingsOf(db: Queryable, reader: Reader, expected: readonly Expected[]): Promise<Standings> {
  const read = await readAll(db)
  const { at, head } = read
  const known = new Set(expected.map(({ consumer, topic }) => keyOf(consumer, topic?.name)))
  const others = [...new Set(read.checkpoints.map(([consumer, topic]) => keyOf(consumer, topic)))]
    .filter((key) => !known.has(key) && !key.includes('~'))
    .flatMap((key): Expected[] => {
      const [consumer, name] = key.split(' ') as [string, string]
      const topic = topicNamed(name)
      const leftOut = 'this version of VidWiz knows no such consumer'
      return topic ? [{ consumer, topic, kind: 'reactor', service: consumer, leftOut }] : []
    })
  const consumers = [...expected, ...others].filter((one): one is Expected & { topic: Topic } => one.topic !== undefined)
  const checkpoints = Map.groupBy(read.checkpoints, ([consumer, topic]) => keyOf(consumer, topic))
  const standOf = ({ consumer, topic }: { consumer: string; topic: Topic }) => checkpoints.get(keyOf(consumer, topic.name)) ?? []
  const behind = await behindOf(
    reader,
    consumers.map((one) => ({ topic: one.topic, after: new Map(standOf(one).map(([, , partition, pos]) => [partition, pos])) })),
  )
  const hasRelay = expected.some(({ kind }) => kind === 'relay')
  const unreached = hasRelay ? await unreachedOf(db, read) : new Map()

  const observe = (one: Expected, partitions: PartitionStanding[], owners: (string | null)[]): Observation => {
    const { consumer, kind, service, leftOut, topic = { name: RELAY[1] } } = one
    const letters = lettersOf(read, consumer, topic.name)
    const owner = ownerOf(read, { consumer, topic: topic.name, service }, owners)
    return {
      consumer,
      topic: topic.name,
      kind,
      service,
      // A consumer that the settings leave out here may run elsewhere; then it is treated like any other.
      leftOut: owner?.isAlive ? undefined : leftOut,
      at,
      partitions,
      parked: {
        // Summing over partitions counts no stream twice: a stream is in one partition.
        streams: sum(letters, ({ streams }) => streams),
        events: sum(letters, ({ events }) => events),
        oldestAt: letters.length > 0 ? Math.min(...letters.map(({ oldestAt }) => oldestAt)) : null,
      },
      owner,
      isRebuilding: kind === 'view' && isRebuilding(read, consumer),
      unreached: unreached.get(topic.name),
    }
  }
  const observations = consumers.map((one, n) => {
    const stand = standOf(one)
    const byPartition = new Map(stand.map((row) => [row[2], row]))
    const partitions = behind[n]!.map(({ since, ...rest }): PartitionStanding => {
      const [, , , pos = 0, movedAt = null] = byPartition.get(rest.partition) ?? []
      const parked = sum(
        lettersOf(read, one.consumer, one.topic.name).filter(({ partition }) => partition === rest.partition),
        ({ events }) => events,
      )
      return { ...rest, parked, head: Math.max(rest.head, pos), pos, movedAt, oldestAt: since }
    })
    return observe(
      one,
      partitions,
      stand.map((row) => row[5]),
    )
  })
  const relay = expected.find(({ kind }) => kind === 'relay')
  return {
    at,
    head,
    observations: relay ? [observe(relay, [relayStanding(read)], [read.relay.owner]), ...observations] : observations,
  }
}

const lettersOf = ({ parked }: Read, consumer: string, topic: string) =>
  parked.filter((row) => row.consumer === consumer && row.topic === topic)

const sum = <T>(all: readonly T[], of: (one: T) => number) => all.reduce((total, one) => total + of(one), 0)

const keyOf = (consumer: string, topic = RELAY[1] as string) => `${consumer} ${topic}`

async function readAll(db: Queryable): Promise<Read> {
  type Raw = { at: string; head: number } & Record<'checkpoints' | 'owners' | 'parked' | 'rebuilding' | 'relay', string | null>
  const [row] = await db.query<Raw>('look.standings', STANDINGS)
  const { at, head, checkpoints, owners, parked, rebuilding, relay } = row!
  return {
    at: Math.round(Number(at)),
    head,
    checkpoints: JSON.parse(checkpoints ?? '[]'),
    owners: JSON.parse(owners ?? '[]'),
    parked: JSON.parse(parked ?? '[]'),
    rebuilding: JSON.parse(rebuilding ?? '[]'),
    relay: JSON.parse(relay!),
  }
}

/** If the log cannot be read, the partitions say so, and owners and parked events are still known. */
async function behindOf(reader: Reader, places: { topic: Topic; after: Map<number, number> }[]): Promise<PartitionBehind[][]> {
  try {
    return await reader.lags(places)
  } catch (error) {
    const problem = (error as Error).message
    return places.map(({ topic }) =>
      Array.from({ length: topic.partitions }, (_, partition) => ({ partition, head: 0, since: null, problem })),
    )
  }
}

/**
 * The worst of the processes that own the consumer's partitions. A dead owner is replaced by a live process of its service, or else
 * by the one that lived last, which may have died before it took a partition over.
 */
function ownerOf(
  { owners, at }: Read,
  { consumer, topic, service }: { consumer: string; topic: string; service: string },
  ids: readonly (string | null)[],
): OwnerStanding | null {
  const ofService = owners.filter((one) => one.service === service).sort((a, b) => b.beatAt - a.beatAt)
  const standIn = ofService.find(({ isAlive }) => isAlive)
  const found = [...new Set(ids)].map((id) => {
    const own = owners.find((one) => one.id === id)
    return own?.isAlive ? own : (standIn ?? (own && ofService[0]) ?? null)
  })
  if (ids.length === 0) found.push(standIn ?? null)
  const pauseOf = (one: OwnerRow) => one.paused[`${consumer} ${topic}`]
  const rank = (one: OwnerRow | null) =>
    one === null ? 4 : !one.isAlive ? 3 : at - one.beatAt > FRESH_MS ? 2 : pauseOf(one) ? 1 : 0
  const worst = found.sort((a, b) => rank(b) - rank(a))[0]
  return worst ? { ...worst, paused: pauseOf(worst) } : null
}

/** A rebuild by hand has a row in `log.replays`. A starting projector's rebuild shows in the checkpoints of the next table. */
const isRebuilding = ({ rebuilding, checkpoints, at }: Read, view: string) =>
  rebuilding.includes(view) ||
  checkpoints.some(([consumer, , , , movedAt]) => consumer === `${view}~next` && at - movedAt < REBUILDS_MS)

/** Positions have no gaps, so the events between two positions need not be counted. */
function relayStanding({ head, relay: { pos, movedAt, oldestAt } }: Read): PartitionStanding {
  return {
    partition: 0,
    pos,
    head: Math.max(head, pos),
    events: Math.max(0, head - pos),
    oldestAt,
    movedAt,
    total: Math.max(head, pos),
  }
}

/** By topic: events that the relay has not published yet, if the oldest waits too long. */
async function unreachedOf(db: Queryable, { at, relay }: Read): Promise<Map<string, { events: number; oldestAt: number }>> {
  if (relay.oldestAt === null || at - relay.oldestAt < FRESH_MS) return new Map()
  const waiting = (await relayLag(db, topics, at)).filter(({ events }) => events > 0)
  return new Map(
    [...Map.groupBy(waiting, ({ topic }) => topic)].map(([topic, partitions]) => [
      topic,
      {
        events: partitions.reduce((sum, { events }) => sum + events, 0),
        oldestAt: at - Math.max(...partitions.map(({ seconds }) => seconds)) * 1_000,
      },
    ]),
  )
}
