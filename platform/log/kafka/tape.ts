import type { Recorded } from '#events/kit/envelope.ts'
import type { Fetched, Fetcher } from './fetch.ts'
import { ForeignRecord, fromMessage } from './message.ts'
import type { Wire } from './wire.ts'

/** A partition being read in order: what was fetched and not yet taken, and where to go on. */
export interface Tape {
  partition: number
  /** Every event at or before this position has been passed. */
  pos: number
  /** Where the next fetch begins. */
  offset: number
  ahead: Recorded[]
  /** The last fetch found the end. */
  end: boolean
}

/** Fills those tapes that ran empty, with one request to each leader. */
export async function fill(
  fetcher: Fetcher,
  { topic, kafkaTopic, wire, tapes }: { topic: string; kafkaTopic: string; wire: Wire; tapes: readonly Tape[] },
): Promise<void> {
  const empty = tapes.filter((tape) => tape.ahead.length === 0 && !tape.end)
  if (empty.length === 0) return
  const fetched = await fetcher.fetch(kafkaTopic, new Map(empty.map((tape) => [tape.partition, tape.offset])))
  for (const tape of empty) wind(tape, fetched.get(tape.partition), topic, wire)
}

function wind(tape: Tape, fetched: Fetched | undefined, topic: string, wire: Wire) {
  if (!fetched) throw new Error(`${topic} has no partition ${tape.partition} in Kafka`)
  tape.offset = fetched.next
  tape.end = fetched.end
  let last = tape.pos
  for (const message of fetched.messages) {
    const event = readable(topic, tape.partition, message, wire)
    // What a relay published twice, or what lies before the place that was asked for.
    if (!event || event.pos <= last) continue
    last = event.pos
    tape.ahead.push(event)
  }
}

/** What somebody else wrote to the topic is passed over: it has no position, so it was never part of the log. */
function readable(...message: Parameters<typeof fromMessage>): Recorded | undefined {
  try {
    return fromMessage(...message)
  } catch (error) {
    if (error instanceof ForeignRecord) return undefined
    throw error
  }
}

/** Takes the next events in position order, as far as the tapes show it: none when all are at their end. */
export function* merged(tapes: readonly Tape[], upTo: number): Generator<Recorded> {
  for (;;) {
    let first: Tape | undefined
    for (const tape of tapes) {
      const next = tape.ahead[0]
      // Another partition may still have something before what the others show.
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
