import type { Recorded } from '#events/kit/envelope.ts'
import type { Topic } from '#events/kit/stream.ts'
import { now } from '#platform/clock.ts'
import { atMost, within } from '#platform/deadline.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { Behind, Follower, Following, PartitionBehind, Positions, Reader, ReadQuery } from '../port.ts'
import { isUnpruned } from '../timeline.ts'
import { type Voided, voidedRanges } from './check.ts'
import { openKafka, SOON } from './client.ts'
import { openFetcher } from './fetch.ts'
import { followKafka } from './follow.ts'
import { streamHistory } from './history.ts'
import { headsOf, leftInDatabase, offsetsBeyond, publishedHeads } from './offsets.ts'
import type { KafkaOptions } from './options.ts'
import { assertOurs } from './strangers.ts'
import { fill, merged, newTape, type Tape } from './tape.ts'
import { offsetsOf } from './where.ts'
import { assertWhole, lostBefore } from './whole.ts'
import { plainWire, type Wire } from './wire.ts'

export interface KafkaReaderOptions extends KafkaOptions {
  /** Name of the client, as shown to the cluster. */
  name?: string
  wire?: Wire
}

const BEYOND_ALL = Number.MAX_SAFE_INTEGER
/** Most tapes (fetched, not yet consumed records of a partition) kept between reads: enough for all partitions of all topics. */
const MAX_TAPES = 240
/** Most of these that hold events; each holds one fetch at most. */
const MAX_FULL_TAPES = 48
const CLOSE_MS = 1_000
/** Longest wait when events behind are counted (P10): callers ask regularly and must not wait for a Kafka that is away. */
const BEHIND_MS = 2_000

/**
 * The reading half of the log on Kafka. Topics are read by position; `log.offsets`, which the relay writes, gives the offset.
 *
 * @param db the database with `log.offsets`
 */
export function kafkaReader(db: Queryable, { name = 'vidwiz', wire = plainWire, ...options }: KafkaReaderOptions): Reader {
  const { kafka, close: closeKafka } = openKafka(name, options)
  const kafkaName = (topic: string) => (options.prefix ?? '') + topic
  const { kafka: bounded, close: closeBounded } = openKafka(name, options, SOON)
  const fetcher = openFetcher(bounded)
  const following = new Set<Following>()
  // Tapes between two reads: the next page continues with the tape where the last page left it.
  const shelf = new Map<string, Tape>()
  let voided: Promise<Voided> | undefined

  async function fillAll(topic: string, tapes: readonly Tape[]): Promise<void> {
    voided ??= voidedRanges(db).catch((error) => {
      voided = undefined
      throw error
    })
    await fill(fetcher, { topic, kafkaTopic: kafkaName(topic), wire, voided: await voided, tapes })
  }

  /** Takes the tapes at these positions from the shelf, and makes new ones for the others. */
  async function take(topic: string, after: Positions): Promise<Tape[]> {
    const tapes: Tape[] = []
    const missing = new Map<number, number>()
    for (const [partition, pos] of after) {
      const tape = fromShelf(topic, partition, pos)
      if (tape) tapes.push(tape)
      else missing.set(partition, pos)
    }
    if (missing.size > 0)
      for (const [partition, offset] of await offsetsBeyond(db, topic, missing))
        tapes.push(newTape(partition, missing.get(partition)!, offset))
    return tapes
  }

  function fromShelf(topic: string, partition: number, pos: number): Tape | undefined {
    for (const [key, tape] of shelf) {
      // A tape at an earlier position fits too, if it already holds events after `pos`.
      const fits =
        key.startsWith(`${topic} ${partition} `) && tape.pos <= pos && (tape.pos === pos || tape.ahead.some((e) => e.pos > pos))
      if (!fits) continue
      shelf.delete(key)
      while (tape.ahead[0] && tape.ahead[0].pos <= pos) tape.ahead.shift()
      return Object.assign(tape, { pos, end: false })
    }
    return undefined
  }

  let shelved = 0
  function putBack(topic: string, tapes: readonly Tape[]) {
    for (const tape of tapes) shelf.set(`${topic} ${tape.partition} ${++shelved}`, tape)
    let full = [...shelf.values()].filter((tape) => tape.ahead.length > 0).length
    for (const [key, tape] of shelf) {
      if (shelf.size <= MAX_TAPES && full <= MAX_FULL_TAPES) break
      if (shelf.size <= MAX_TAPES && tape.ahead.length === 0) continue
      if (tape.ahead.length > 0) full--
      shelf.delete(key)
    }
  }

  async function headsIn(topic: string, after: Positions): Promise<Positions> {
    const heads = await publishedHeads(db, { name: topic, partitions: Math.max(0, ...after.keys()) + 1 })
    return new Map(heads.map(({ partition, pos }) => [partition, pos]))
  }

  async function read({ topic, after, limit, upTo = BEYOND_ALL, whole }: ReadQuery): Promise<Recorded[]> {
    // Read before the tapes are filled, so that events published meanwhile do not count as missing.
    const heads = whole ? await headsIn(topic, after) : undefined
    const tapes = await take(topic, after)
    const page: Recorded[] = []
    for (;;) {
      await fillAll(topic, tapes)
      if (heads) await assertWhole(db, { topic, tapes, heads, upTo })
      for (const event of merged(tapes, upTo)) if (page.push(event) === limit) break
      const isAllRead = page.length === limit || !tapes.some((tape) => tape.ahead.length === 0 && !tape.end)
      // A short page is allowed, but an empty one means that there is nothing more.
      if (page.length > 0 || isAllRead) break
    }
    // The page has reached its last position in all partitions, also in those without an event on it.
    const reached = page.length > 0 && after.size > 1 ? page.at(-1)!.pos : 0
    for (const tape of tapes) tape.pos = Math.max(tape.pos, reached)
    if (whole)
      await assertOurs(db, topic, page).catch((error) => {
        // The records may have been declared void since `voided` was read.
        voided = undefined
        throw error
      })
    putBack(topic, tapes)
    return page
  }

  /** Counts the events after a position of a partition that has some there. */
  async function left(
    topic: string,
    partition: number,
    pos: number,
    head: { pos: number; offset: number },
  ): Promise<Behind & { lost: number }> {
    const tapes = await take(topic, new Map([[partition, pos]]))
    const [tape] = tapes
    while (tape!.ahead.length === 0 && !tape!.end) await fillAll(topic, tapes)
    putBack(topic, tapes)
    const events = tape!.ahead.filter((event) => event.pos <= head.pos)
    const beyond = Math.max(0, head.offset + 1 - tape!.offset)
    const found = { partition, events: events.length + beyond, since: events[0]?.time ?? now() }
    return { ...found, lost: await lostBefore(db, topic, tape!, pos) }
  }

  /** Counts under way, shared by all callers that ask for the same position. A caller that times out does not end the count. */
  const looking = new Map<string, Promise<Behind & { lost: number }>>()
  function leftInTime(topic: string, partition: number, pos: number, head: { pos: number; offset: number }) {
    const key = `${topic} ${partition} ${pos}`
    const begun = looking.get(key) ?? left(topic, partition, pos, head).finally(() => looking.delete(key))
    looking.set(key, begun)
    return within(BEHIND_MS, begun, () => {
      throw new Error('Kafka does not answer')
    })
  }

  return {
    read,
    history: (query, take) => streamHistory({ db, fetcher, wire, kafkaName }, query, take),

    async heads(topic: Topic) {
      return new Map((await publishedHeads(db, topic)).map(({ partition, pos }) => [partition, pos]))
    },

    async behind(topic, after) {
      const heads = await publishedHeads(db, topic)
      const behind = heads.filter(({ partition, pos }) => pos > (after.get(partition) ?? 0))
      return Promise.all(
        behind.map((head) => {
          const { partition } = head
          const pos = after.get(partition) ?? 0
          return leftInTime(topic.name, partition, pos, head).catch(() =>
            leftInDatabase(db, topic.name, partition, pos, head.pos),
          )
        }),
      )
    },

    async lags(places) {
      const heads = await headsOf(
        db,
        places.map(({ topic }) => topic),
      )
      return Promise.all(
        places.map(({ topic, after }) =>
          Promise.all(
            Array.from({ length: topic.partitions }, async (_, partition): Promise<PartitionBehind> => {
              const head = heads.get(`${topic.name} ${partition}`)
              if (!head) return { partition, head: 0, events: 0, since: null, total: 0 }
              const total = head.offset + 1
              const pos = after.get(partition) ?? 0
              if (pos >= head.pos) return { partition, head: head.pos, events: 0, since: null, total }
              try {
                const { events, since, lost } = await leftInTime(topic.name, partition, pos, head)
                return { partition, head: head.pos, events, since, total, lost }
              } catch (error) {
                const { events, since } = await leftInDatabase(db, topic.name, partition, pos, head.pos)
                if (await isUnpruned(db)) return { partition, head: head.pos, events, since, total }
                const problem = `${(error as Error).message}; the database still has ${events} of the events`
                return { partition, head: head.pos, since, total, problem }
              }
            }),
          ),
        ),
      )
    },
    offsets: (places) => offsetsOf({ db, fetcher, kafkaName }, places),

    follow(follower) {
      // Check that the history is whole from its positions on: a consumer group would skip missing records silently.
      const resume: Follower['resume'] = async (partitions) => {
        const after = await follower.resume(partitions)
        const places = new Map(partitions.map((partition) => [partition, after.get(partition) ?? 0]))
        if (places.size > 0) await read({ topic: follower.topic.name, after: places, limit: 1, whole: true })
        return after
      }
      const one = followKafka({ ...follower, resume }, { db, kafka, wire, prefix: options.prefix ?? '' })
      const tracked = { stop: () => one.stop().finally(() => following.delete(tracked)) }
      following.add(tracked)
      return tracked
    },

    async close() {
      await Promise.all([...following].map((one) => one.stop()))
      // Its disconnect waits for answers that may never come.
      await atMost(CLOSE_MS, fetcher.close())
      closeKafka()
      closeBounded()
    },
  }
}
