import type { Recorded } from '#events/kit/envelope.ts'
import { OperatorError } from '../../operator-error.ts'
import type { Voided } from './check.ts'
import type { Fetched, Fetcher } from './fetch.ts'
import { ForeignRecord, fromMessage } from './message.ts'
import type { Wire } from './wire.ts'

/** The fetched, not yet consumed records of a partition that is read in order, and where to continue. */
export interface Tape {
  partition: number
  /** Every event at or before this position has been consumed. */
  pos: number
  /** Offset at which the next fetch begins. */
  offset: number
  ahead: Recorded[]
  /** Number of offsets that the partition no longer had when they were asked for. */
  gone: number
  /** Number of offsets missing after events that were read here. */
  missing: number
  /** An event has been read: from here on, a gap is a hole in what the reader gets, not a cut beginning. */
  isSure: boolean
  /** The last fetch found the end. */
  end: boolean
}

interface Filling {
  topic: string
  wire: Wire
  voided: Voided
}

/** Fills the empty tapes, with one request to each leader. */
export async function fill(
  fetcher: Fetcher,
  { topic, kafkaTopic, wire, voided, tapes }: Filling & { kafkaTopic: string; tapes: readonly Tape[] },
): Promise<void> {
  const empty = tapes.filter((tape) => tape.ahead.length === 0 && !tape.end)
  if (empty.length === 0) return
  const fetched = await fetcher.fetch(kafkaTopic, new Map(empty.map((tape) => [tape.partition, tape.offset])))
  for (const tape of empty) wind(tape, fetched.get(tape.partition), { topic, wire, voided })
}

function wind(tape: Tape, fetched: Fetched | undefined, { topic, wire, voided }: Filling) {
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
    if (voided.has(topic, tape.partition, Number(message.offset))) continue
    const event = readable(topic, tape.partition, message, wire)
    // Skip events that a relay published twice, and those at or before the position asked for.
    if (!event || event.pos <= last) continue
    last = event.pos
    tape.ahead.push(event)
    tape.isSure = true
  }
}

/** The event of a record; undefined for a foreign record, which has no position and so was never part of the log. */
function readable(...message: Parameters<typeof fromMessage>): Recorded | undefined {
  try {
    return fromMessage(...message)
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
