import { setTimeout as sleep } from 'node:timers/promises'
import type { Queryable } from '#platform/pg/pool.ts'
import type { HistoryQuery, TakeHistory } from '../port.ts'
import { voidedRanges } from './check.ts'
import type { Fetcher } from './fetch.ts'
import { type Common, commonFrom } from './message.ts'
import { offsetsBeyond, publishedHeads } from './offsets.ts'
import { assertOurs } from './strangers.ts'
import { newTape, type Tape, unlessForeign, wind } from './tape.ts'
import { assertWhole } from './whole.ts'
import type { Wire } from './wire.ts'

/** Events that are decoded, looked up in the log and taken together, unless the rest of an answer has fewer. */
const PORTION = 1_000

/** Pause after an answer that brought nothing. */
const IDLE_MS = 50

interface Log {
  db: Queryable
  fetcher: Fetcher
  wire: Wire
  /** The name of a topic in Kafka. */
  kafkaName(topic: string): string
}

/**
 * Reads the history of partitions from Kafka as a stream. One fetch asks for all of them; the next one is on its way while the last one
 * is handled. While `take` works, the database looks up the events that come next. Memory holds two answers of Kafka at most.
 *
 * @throws HistoryLost when Kafka lacks events of it; AheadOfLog when it holds events that the log does not have; errors of `take`
 */
export async function streamHistory(log: Log, query: HistoryQuery, take: TakeHistory): Promise<void> {
  const { db } = log
  const handOver = async (events: Common[], looked: Promise<void>) => {
    await looked
    await take(events)
  }
  let last: Parameters<typeof handOver> | undefined
  for await (const events of portions(log, query)) {
    const looked = assertOurs(db, query.topic, events)
    // Avoids unhandledRejection if `take` ends the reading.
    looked.catch(() => {})
    if (last) await handOver(...last)
    last = [events, looked]
  }
  if (last) await handOver(...last)
}

async function* portions({ db, fetcher, wire, kafkaName }: Log, { topic, after, upTo, uses }: HistoryQuery) {
  const begin = new Map([...upTo.keys()].map((partition) => [partition, after.get(partition) ?? 0]))
  for (const [partition, last] of upTo) if (last <= begin.get(partition)!) begin.delete(partition)
  if (begin.size === 0) return
  // Before the first fetch, so that events published meanwhile do not count as missing.
  const published = await publishedHeads(db, { name: topic, partitions: Math.max(...begin.keys()) + 1 })
  const heads = new Map(published.map(({ partition, pos }) => [partition, pos]))
  const offsets = await offsetsBeyond(db, topic, begin)
  const voided = await voidedRanges(db)
  const read = unlessForeign(commonFrom(topic, wire, uses))
  const tapes = new Map([...offsets].map(([partition, at]) => [partition, newTape<Common>(partition, begin.get(partition)!, at)]))

  let events: Common[] = []
  for await (const { asked, answer, isIdle } of answers(fetcher, kafkaName(topic), offsets)) {
    for (const partition of asked) {
      const tape = tapes.get(partition)!
      const last = upTo.get(partition)!
      if (tape.pos >= last) continue
      wind(tape, answer.get(partition), { topic, voided, read })
      const isWhole = () => assertWhole(db, { topic, tapes: [tape], heads, upTo: last })
      await isWhole()
      moveTo(events, tape, last)
      if (tape.end) await isWhole()
      if (tape.pos >= last) offsets.delete(partition)
      if (events.length < PORTION) continue
      yield events
      events = []
    }
    // Also without events, so that `take` can end a reading that makes no progress.
    if (events.length > 0 || isIdle) yield events
    events = []
  }
}

/** Moves the events of a tape up to a position; beyond it, the tape is at its end. */
function moveTo(events: Common[], tape: Tape<Common>, last: number) {
  for (const event of tape.ahead) {
    tape.pos = event.pos
    if (event.pos > last) break
    events.push(event)
  }
  tape.ahead = []
}

/**
 * Reads partitions to their ends, and asks for the next records before it returns the last ones.
 * @param offsets where to go on in each partition; partitions that the caller removes are not read further
 * @returns the partitions asked for, with the answer, and whether it brought nothing
 */
async function* answers(fetcher: Fetcher, topic: string, offsets: Map<number, number>) {
  const ask = () => {
    const answer = offsets.size > 0 ? fetcher.fetch(topic, new Map(offsets)) : undefined
    // Avoids unhandledRejection if this answer is never asked for.
    answer?.catch(() => {})
    return { asked: [...offsets.keys()], answer }
  }
  for (let coming = ask(); coming.answer; ) {
    const { asked } = coming
    const answer = await coming.answer
    let isIdle = true
    for (const [partition, { next, end }] of answer) {
      const at = offsets.get(partition)
      if (end) offsets.delete(partition)
      else if (at !== undefined) offsets.set(partition, next)
      if (end || at !== next) isIdle = false
    }
    // Another program's transaction, while it is open, holds back what comes behind it.
    if (isIdle) await sleep(IDLE_MS)
    coming = ask()
    yield { asked, answer, isIdle }
  }
}
