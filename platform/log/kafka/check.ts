import { setTimeout as sleep } from 'node:timers/promises'
import type { Topic } from '#events/kit/stream.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { OperatorError } from '../../operator-error.ts'
import { isUnpruned } from '../timeline.ts'
import type { Fetcher } from './fetch.ts'
import { headsOf } from './offsets.ts'
import { strangers } from './strangers.ts'

/** Consecutive records of a partition that are not events of the log. */
export interface Aliens {
  topic: string
  partition: number
  first: number
  last: number
  /** The highest position among them. */
  pos: number
}

/** A partition that lost its newest records: Kafka went back to an older state, or the topic was recreated. */
export interface Shortened {
  topic: string
  partition: number
  /** Offset of its next record. */
  end: number
  /** Offset before which it still has what was published: its end, or 0 when it was recreated and written to since. */
  kept: number
  /** The last offset that the relay published to. */
  published: number
}

/** Records that topics hold beyond the log, and records that they lost. */
export interface Disagreement {
  aliens: Aliens[]
  shortened: Shortened[]
}

export interface CheckOptions {
  db: Queryable
  fetcher: Fetcher
  /** The name of a topic in Kafka. */
  kafkaName(topic: string): string
  topics: readonly Topic[]
  /** Offsets to begin with, by `<topic> <partition>`. Other partitions begin with the last record that the relay published. */
  from?: ReadonlyMap<string, number>
  /** Stop checking a topic at the first difference. */
  isQuick?: boolean
  /** Called with the number of records read so far. */
  onRead?: ((records: number) => void) | undefined
}

/** Compares the ends of topics with the log, by position and id of each event. Changes nothing. */
export async function check({ topics, ...options }: CheckOptions): Promise<Disagreement> {
  const heads = await headsOf(options.db, topics)
  const voided = await voidedRanges(options.db)
  let read = 0
  const onRead = (records: number) => {
    read += records
    options.onRead?.(read)
  }
  const found = await Promise.all(topics.map((topic) => checkTopic(topic, { ...options, heads, voided, onRead })))
  return { aliens: found.flatMap(({ aliens }) => aliens), shortened: found.flatMap(({ shortened }) => shortened) }
}

type Heads = Awaited<ReturnType<typeof headsOf>>
type Options = Omit<CheckOptions, 'topics'> & { heads: Heads; voided: Voided; onRead(records: number): void }

async function checkTopic({ name: topic, partitions }: Topic, options: Options): Promise<Disagreement> {
  const { db, fetcher, kafkaName, heads, voided, from, isQuick, onRead } = options
  const aliens: Aliens[] = []
  const shortened: Shortened[] = []
  const madeAnew: Shortened[] = []
  const next = new Map<number, number>()
  for (let partition = 0; partition < partitions; partition++) {
    const key = `${topic} ${partition}`
    next.set(partition, from?.get(key) ?? Math.max(0, voided.skip(topic, partition, heads.get(key)?.offset ?? -1)))
  }
  const asked = new Map(next)
  while (next.size > 0) {
    const fetched = await fetcher.fetch(kafkaName(topic), next)
    for (const [partition, at] of next) {
      const got = fetched.get(partition)
      if (!got) throw new OperatorError(`${topic} has no partition ${partition} in Kafka: see npx vidwiz topics check`)
      const head = heads.get(`${topic} ${partition}`)
      const published = head?.offset ?? -1
      // A partition that ends before the offset asked for is read from its beginning instead.
      const isCut = (at === asked.get(partition) && got.start < at) || (got.end && got.next <= published)
      // A partition that takes several fetches is named once.
      if (isCut && !shortened.some((one) => one.partition === partition))
        shortened.push({ topic, partition, end: got.next, kept: got.next, published })
      onRead(got.messages.length)
      const records = got.messages.flatMap(({ offset, headers }) => {
        const pos = Number(headers?.ce_pos?.toString())
        const id = headers?.ce_id?.toString()
        const isOurs = Number.isSafeInteger(pos) && id && !voided.has(topic, partition, Number(offset))
        return isOurs ? [{ offset: Number(offset), pos, id }] : []
      })
      // The last published event is still at its offset, unless the topic was recreated and written to since.
      if (records.some(({ offset, pos }) => offset === published && pos !== head!.pos))
        madeAnew.push({ topic, partition, end: got.next, kept: 0, published })
      for (const { offset, pos } of await strangers(db, records)) {
        const last = aliens.at(-1)
        if (last?.topic === topic && last.partition === partition && last.last === offset - 1)
          Object.assign(last, { last: offset, pos: Math.max(last.pos, pos) })
        else aliens.push({ topic, partition, first: offset, last: offset, pos })
      }
      if (got.end || got.next === at) next.delete(partition)
      else next.set(partition, got.next)
    }
    if (isQuick && aliens.length + shortened.length + madeAnew.length > 0) break
  }
  const name = kafkaName(topic)
  // A newly elected leader may know the newest records only a moment later.
  for (const one of shortened) one.end = one.kept = await endWithin(LEADER_MS, fetcher, name, one)
  const short = shortened.filter(({ end, published }) => end <= published)
  for (const one of short) if (await beginsLate({ db, fetcher, name, voided }, one)) one.kept = 0
  for (const one of madeAnew) one.end = await endOf(fetcher, name, one.partition, one.end)
  return { aliens, shortened: [...short, ...madeAnew] }
}

const LEADER_MS = 5_000
const LOOK_MS = 250

/** Offset of a partition's next record. Waits up to `ms` for all published records to be there. */
async function endWithin(ms: number, fetcher: Fetcher, topic: string, { partition, end, published }: Shortened): Promise<number> {
  const until = performance.now() + ms
  for (let from = end; ; await sleep(LOOK_MS)) {
    from = await endOf(fetcher, topic, partition, from)
    if (from > published || performance.now() > until) return from
  }
}

async function endOf(fetcher: Fetcher, topic: string, partition: number, from: number): Promise<number> {
  for (let at = from; ; ) {
    const got = (await fetcher.fetch(topic, new Map([[partition, at]]))).get(partition)!
    if (got.end || got.next === at) return got.next
    at = got.next
  }
}

const FIRST = 'select min(pos) as pos from log.events where topic = $1 and partition = $2'

/** Whether a partition begins with a later event than in the log. Of a pruned log this cannot be told, and the answer is no. */
async function beginsLate(
  { db, fetcher, name, voided }: Pick<CheckOptions, 'db' | 'fetcher'> & { name: string; voided: Voided },
  { topic, partition }: Shortened,
): Promise<boolean> {
  const from = voided.skip(topic, partition, -1) + 1
  const got = (await fetcher.fetch(name, new Map([[partition, from]]))).get(partition)!
  const there = got.messages.map(({ headers }) => Number(headers?.ce_pos?.toString())).find(Number.isSafeInteger)
  const [first] = await db.query<{ pos: number | null }>('kafka.first', FIRST, [topic, partition])
  return there !== undefined && first!.pos !== null && there > first!.pos && (await isUnpruned(db))
}

/** Offsets of records that were declared void when the log was restored. */
export interface Voided {
  has(topic: string, partition: number, offset: number): boolean
  /** The last offset of the void records that follow `offset`; `offset` itself when the next record is not void. */
  skip(topic: string, partition: number, offset: number): number
}

/** Reads which records are void. They change only with the epoch of the log, and then all processes restart. */
export async function voidedRanges(db: Queryable): Promise<Voided> {
  const rows = await db.query<{ topic: string; partition: number; first: number; last: number }>(
    'kafka.voided',
    'select topic, partition, first_offset as first, last_offset as last from log.voided',
  )
  const ranges = Map.groupBy(rows, ({ topic, partition }) => `${topic} ${partition}`)
  const rangeAt = (topic: string, partition: number, offset: number) =>
    ranges.size > 0
      ? ranges.get(`${topic} ${partition}`)?.find(({ first, last }) => first <= offset && offset <= last)
      : undefined
  return {
    has: (topic, partition, offset) => rangeAt(topic, partition, offset) !== undefined,
    skip(topic, partition, offset) {
      for (let at = offset; ; ) {
        const next = rangeAt(topic, partition, at + 1)
        if (!next) return at
        at = next.last
      }
    },
  }
}

/** The differences, one sentence each. */
export const sentencesOf = ({ aliens, shortened }: Disagreement): string[] => [
  ...aliens.map(
    ({ topic, partition, first, last, pos }) =>
      `${topic}/${partition} holds ${last - first + 1} records from offset ${first} on that the log does not have, up to position ${pos}`,
  ),
  ...shortened.map(({ topic, partition, end, kept, published }) =>
    kept < end
      ? `${topic}/${partition} was recreated: it does not have what the relay had published up to offset ${published}`
      : `${topic}/${partition} ends at offset ${end - 1}, but the relay had published up to offset ${published}`,
  ),
]
