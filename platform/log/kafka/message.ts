import type { IHeaders, KafkaMessage, Message } from 'kafkajs'
import type { Recorded } from '#events/kit/envelope.ts'
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

/**
 * The event that a message carries. The payload is not checked here, but when it is decoded.
 *
 * @param topic our name of the topic, without the prefix
 * @throws ForeignRecord when a header of the envelope is missing or wrong
 */
export function fromMessage(topic: string, partition: number, message: KafkaMessage, wire: Wire): Recorded {
  const { headers = {}, key, value, offset } = message
  const optional = (name: string): string | null => headers[name]?.toString() ?? null
  const text = (name: string): string => {
    const found = optional(name)
    if (found === null) throw new ForeignRecord(topic, partition, offset, name)
    return found
  }
  const number = (name: string, parse: (text: string) => number = Number): number => {
    const found = parse(text(name))
    if (!Number.isSafeInteger(found) || found < 0) throw new ForeignRecord(topic, partition, offset, name)
    return found
  }
  return {
    pos: number('ce_pos'),
    topic,
    partition,
    key: key?.toString() ?? '',
    stream: text('ce_subject'),
    version: number('ce_streamversion'),
    id: text('ce_id'),
    type: text('ce_type'),
    schema: number('ce_schemaversion'),
    time: number('ce_time', Date.parse),
    actor: optional('ce_actor'),
    correlationId: optional('ce_correlationid'),
    causationId: optional('ce_causationid'),
    traceparent: optional('ce_traceparent'),
    data: value ? wire.decode(value) : '',
  }
}
