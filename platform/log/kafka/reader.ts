import { setTimeout as sleep } from 'node:timers/promises'
import type { Recorded } from '#events/kit/envelope.ts'
import type { Topic } from '#events/kit/stream.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { Behind, Following, Positions, Reader } from '../port.ts'
import { type KafkaOptions, openKafka, SOON } from './client.ts'
import { openFetcher } from './fetch.ts'
import { followKafka } from './follow.ts'
import { leftInDatabase, offsetsBeyond, publishedHeads } from './offsets.ts'
import { fill, merged, type Tape } from './tape.ts'
import { plainWire, type Wire } from './wire.ts'

export interface KafkaReaderOptions extends KafkaOptions {
  /** Shown to the cluster. */
  name?: string
  wire?: Wire
}

const BEYOND_ALL = Number.MAX_SAFE_INTEGER
/** Tapes kept for who reads on: all partitions of all topics, for somebody who watches them all. */
const MAX_TAPES = 240
/** Of these, the ones that hold events, each one fetch at most. */
const MAX_FULL_TAPES = 48
const CLOSE_MS = 1_000
/** For counting what is left. */
const BEHIND_MS = 2_000

/**
 * The reading half of the log on Kafka. Topics are read by position: `log.offsets`, which the relay writes, tells where a position lies.
 *
 * @param db where the relay keeps that
 */
export function kafkaReader(db: Queryable, { name = 'vidwiz', wire = plainWire, ...options }: KafkaReaderOptions): Reader {
  const { kafka, close: closeKafka } = openKafka(name, options)
  const kafkaName = (topic: string) => (options.prefix ?? '') + topic
  const { kafka: bounded, close: closeBounded } = openKafka(name, options, SOON)
  const fetcher = openFetcher(bounded)
  const following = new Set<Following>()
  // Whoever reads page by page finds the tape where the last page left it.
  const shelf = new Map<string, Tape>()

  /** Takes the tapes that stand at these positions, and winds new ones to the others. */
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
        tapes.push({ partition, pos: missing.get(partition)!, offset, ahead: [], end: false })
    return tapes
  }

  function fromShelf(topic: string, partition: number, pos: number): Tape | undefined {
    for (const [key, tape] of shelf) {
      // One that stands before that place will do if what lies between is at hand.
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

  async function read(topic: string, after: Positions, limit: number, upTo = BEYOND_ALL): Promise<Recorded[]> {
    const tapes = await take(topic, after)
    const page: Recorded[] = []
    for (;;) {
      await fill(fetcher, { topic, kafkaTopic: kafkaName(topic), wire, tapes })
      for (const event of merged(tapes, upTo)) if (page.push(event) === limit) break
      const isAllRead = page.length === limit || !tapes.some((tape) => tape.ahead.length === 0 && !tape.end)
      // A short page will do, but an empty one says that there is nothing.
      if (page.length > 0 || isAllRead) break
    }
    // Whatever comes next is beyond the page in all partitions, not only in those that had something on it.
    const reached = page.length > 0 && after.size > 1 ? page.at(-1)!.pos : 0
    for (const tape of tapes) tape.pos = Math.max(tape.pos, reached)
    putBack(topic, tapes)
    return page
  }

  /** What lies beyond a position in one partition that has something there. */
  async function left(topic: string, partition: number, pos: number, head: { pos: number; offset: number }): Promise<Behind> {
    const tapes = await take(topic, new Map([[partition, pos]]))
    const [tape] = tapes
    while (tape!.ahead.length === 0 && !tape!.end) await fill(fetcher, { topic, kafkaTopic: kafkaName(topic), wire, tapes })
    putBack(topic, tapes)
    const events = tape!.ahead.filter((event) => event.pos <= head.pos)
    const beyond = Math.max(0, head.offset + 1 - tape!.offset)
    return { partition, events: events.length + beyond, since: events[0]?.time ?? Date.now() }
  }

  return {
    read: ({ topic, after, upTo, limit }) => read(topic, after, limit, upTo),

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
          const inKafka = left(topic.name, partition, pos, head)
          inKafka.catch(() => {})
          // P10: while Kafka is away, too. Whoever asks does so now and then, and will not wait for it to come back.
          const tooLate = sleep(BEHIND_MS, undefined, { ref: false }).then(() =>
            Promise.reject(new Error('Kafka does not answer')),
          )
          return Promise.race([inKafka, tooLate]).catch(() => leftInDatabase(db, topic.name, partition, pos, head.pos))
        }),
      )
    },

    follow(follower) {
      const one = followKafka(follower, { db, kafka, wire, prefix: options.prefix ?? '' })
      const tracked = { stop: () => one.stop().finally(() => following.delete(tracked)) }
      following.add(tracked)
      return tracked
    },

    async close() {
      await Promise.all([...following].map((one) => one.stop()))
      // It waits for answers that may never come.
      await Promise.race([fetcher.close(), sleep(CLOSE_MS, undefined, { ref: false })])
      closeKafka()
      closeBounded()
    },
  }
}
