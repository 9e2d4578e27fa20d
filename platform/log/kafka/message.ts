import type { IHeaders, KafkaMessage, Message } from 'kafkajs'
import type { RareField, Recorded, Replayed } from '#events/kit/envelope.ts'
import { RawRecord } from './records/record.ts'
import type { Wire } from './wire.ts'

// The envelope is in the headers, in CloudEvents' binary mode: CloudEvents' own attributes under their names, ours as extension
// attributes, whose names may only contain a-z and 0-9.
// Source: CloudEvents 1.0.2, Kafka Protocol Binding, section 3.2.

const SOURCE = 'vidwiz'

/** An event as a message of its topic. */
export function toMessage(event: Recorded, wire: Wire): Message & { partition: number } {
  const headers: IHeaders = {
    'content-type': 'application/json',
    ce_specversion: '1.0',
    ce_id: event.id,
    ce_source: SOURCE,
    ce_type: event.type,
    ce_subject: event.stream,
    ce_time: new Date(event.time).toISOString(),
    ce_streamversion: String(event.version),
    ce_schemaversion: String(event.schema),
    ce_pos: String(event.pos),
  }
  if (event.actor !== null) headers.ce_actor = event.actor
  if (event.correlationId !== null) headers.ce_correlationid = event.correlationId
  if (event.causationId !== null) headers.ce_causationid = event.causationId
  // Under both names: CloudEvents has it as an extension, tracing tools look for the plain header.
  if (event.traceparent !== null) headers.ce_traceparent = headers.traceparent = event.traceparent
  return { key: event.key, value: wire.encode(event), headers, partition: event.partition, timestamp: String(event.time) }
}

/** A record that is not one of our events: another program wrote to the topic. */
export class ForeignRecord extends Error {
  constructor(topic: string, partition: number, offset: string, missing: string) {
    super(`${topic}/${partition} holds a foreign record at offset ${offset}: its header ${missing} is missing or wrong`)
    this.name = 'ForeignRecord'
  }
}

/** Headers that every event has, in the order in which a missing one is reported. */
const COMMON = ['ce_pos', 'ce_subject', 'ce_streamversion', 'ce_id', 'ce_type', 'ce_schemaversion', 'ce_time']
/** Headers that may be absent. */
const RARE = {
  actor: 'ce_actor',
  correlationId: 'ce_correlationid',
  causationId: 'ce_causationid',
  traceparent: 'ce_traceparent',
} as const
const ENVELOPE = [...COMMON, ...Object.values(RARE)]

/** What every reader needs of an event: a replay compares the id with the log's. */
export type Common = Replayed & Pick<Recorded, 'id'>

/**
 * The event that a message carries. The payload is not checked here, but when it is decoded.
 *
 * @param topic our name of the topic, without the prefix
 * @throws ForeignRecord when a header of the envelope is missing or wrong
 */
export function fromMessage(topic: string, partition: number, message: KafkaMessage, wire: Wire): Recorded {
  const found = textsOf(message, ENVELOPE)
  return {
    ...commonOf(found, topic, partition, message, wire),
    key: message.key?.toString() ?? '',
    actor: found[7] ?? null,
    correlationId: found[8] ?? null,
    causationId: found[9] ?? null,
    traceparent: found[10] ?? null,
  }
}

/**
 * Returns a function that reads the events of messages for a replay: of the rare fields, only these and the id.
 *
 * @param topic our name of the topic, without the prefix
 */
export function commonFrom(topic: string, wire: Wire, uses: readonly RareField[]) {
  const rare = uses.filter((field) => field in RARE) as (keyof typeof RARE)[]
  const names = [...COMMON, ...rare.map((field) => RARE[field])]
  const withKey = uses.includes('key')
  return (partition: number, message: KafkaMessage): Common => {
    const found = textsOf(message, names)
    const event: Common & Partial<Recorded> = commonOf(found, topic, partition, message, wire)
    if (withKey) event.key = message.key?.toString() ?? ''
    for (const [i, field] of rare.entries()) event[field] = found[COMMON.length + i] ?? null
    return event
  }
}

function commonOf(
  found: readonly (string | undefined)[],
  topic: string,
  partition: number,
  message: KafkaMessage,
  wire: Wire,
): Common {
  const foreign = (at: number) => new ForeignRecord(topic, partition, message.offset, ENVELOPE[at]!)
  const text = (at: number): string => {
    const one = found[at]
    if (one === undefined) throw foreign(at)
    return one
  }
  const number = (at: number, parse: (text: string) => number = Number): number => {
    const one = parse(text(at))
    if (!Number.isSafeInteger(one) || one < 0) throw foreign(at)
    return one
  }
  const { value } = message
  return {
    pos: number(0),
    topic,
    partition,
    stream: text(1),
    version: number(2),
    id: text(3),
    type: text(4),
    schema: number(5),
    time: number(6, Date.parse),
    data: value ? wire.decode(value) : '',
  }
}

/** The values of these headers, in their order. @param names the same array for all messages */
const textsOf = (message: KafkaMessage, names: readonly string[]) =>
  message instanceof RawRecord ? message.texts(names) : names.map((name) => message.headers?.[name]?.toString())
