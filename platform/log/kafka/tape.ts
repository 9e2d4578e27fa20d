import type { KafkaMessage } from 'kafkajs'
import type { Recorded } from '#events/kit/envelope.ts'
import { OperatorError } from '../../operator-error.ts'
import type { Voided } from './check.ts'
import type { Fetched, Fetcher } from './fetch.ts'
import { ForeignRecord, fromMessage } from './message.ts'
import { offsetOf } from './records/record.ts'
import type { Wire } from './wire.ts'

/** The fetched, not yet consumed records of a partition that is read in order, and where to continue. */
export interface Tape<E = Recorded> {
  partition: number
  /** Every event at or before this position has been consumed. */
  pos: number
  /** Offset at which the next fetch begins. */
  offset: number
  ahead: E[]
  /** Number of offsets that the partition no longer had when they were asked for. */
  gone: number
  /** Number of offsets missing after events that were read here. */
  missing: number
  /** An event has been read: from here on, a gap is a hole in what the reader gets, not a cut beginning. */
  isSure: boolean
  /** The last fetch found the end. */
  end: boolean
}

/** A tape that has read nothing yet. */
export const newTape = <E = Recorded>(partition: number, pos: number, offset: number): Tape<E> => ({
  partition,
  pos,
  offset,
  ahead: [],
  gone: 0,
  missing: 0,
  isSure: false,
  end: false,
})

/** Reads the event of a record; undefined for a foreign record. */
type Read<E> = (partition: number, message: KafkaMessage) => E | undefined

interface Filling {
  topic: string
  voided: Voided
}

/** Fills the empty tapes, with one request to each leader. */
export async function fill(
  fetcher: Fetcher,
  { topic, kafkaTopic, wire, voided, tapes }: Filling & { kafkaTopic: string; wire: Wire; tapes: readonly Tape[] },
): Promise<void> {
  const empty = tapes.filter((tape) => tape.ahead.length === 0 && !tape.end)
  if (empty.length === 0) return
  const fetched = await fetcher.fetch(kafkaTopic, new Map(empty.map((tape) => [tape.partition, tape.offset])))
  const read = unlessForeign((partition, message) => fromMessage(topic, partition, message, wire))
  for (const tape of empty) wind(tape, fetched.get(tape.partition), { topic, voided, read })
}

/** Puts the events of an answer on a tape, and counts the offsets that it lacks. */
export function wind<E extends { pos: number }>(
  tape: Tape<E>,
  fetched: Fetched | undefined,
  { topic, voided, read }: Filling & { read: Read<E> },
): void {
  if (!fetched) throw new OperatorError(`${topic} has no partition ${tape.partition} in Kafka: see npx vidwiz topics check`)
  // A gap before the first record means that the beginning was cut off; after events were read, it is a hole in the middle.
  const hole = Math.max(0, fetched.first - tape.offset)
  if (tape.isSure) tape.missing += hole
  else tape.gone += hole
  tape.missing += fetched.missing
  tape.offset = fetched.next
  tape.end = fetched.end
  let last = tape.pos
  for (const message of fetched.messages) {
    if (voided.has(topic, tape.partition, offsetOf(message))) continue
    const event = read(tape.partition, message)
    // Skip events that a relay published twice, and those at or before the position asked for.
    if (!event || event.pos <= last) continue
    last = event.pos
    tape.ahead.push(event)
    tape.isSure = true
  }
}

/** Passes over foreign records: they have no position, so they were never part of the log. */
export const unlessForeign =
  <E>(read: (partition: number, message: KafkaMessage) => E): Read<E> =>
  (partition, message) => {
    try {
      return read(partition, message)
    } catch (error) {
      if (error instanceof ForeignRecord) return undefined
      throw error
    }
  }

/** Takes the next events in position order, as far as the tapes determine it. None when all are at their end. */
export function* merged(tapes: readonly Tape[], upTo: number): Generator<Recorded> {
  for (;;) {
    let first: Tape | undefined
    for (const tape of tapes) {
      const next = tape.ahead[0]
      // The next event of this partition is not fetched yet, and may come before those of the others.
      if (!next && !tape.end) return
      if (next && (!first || next.pos < first.ahead[0]!.pos)) first = tape
    }
    const event = first?.ahead[0]
    if (!first || !event || event.pos > upTo) return
    first.ahead.shift()
    first.pos = event.pos
    yield event
  }
}
