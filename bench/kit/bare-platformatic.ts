import { Consumer, Producer, stringDeserializer, stringSerializer } from '@platformatic/kafka'
import type { toMessage } from '../../platform/log/kafka/message.ts'
import { timed } from './measure.ts'

/** The other maintained client, with equivalent settings. It sends the same messages, converted beforehand. */

type Message = ReturnType<typeof toMessage>

export const inItsForm = (topic: string, messages: readonly Message[]) =>
  messages.map(({ key, value, headers, partition, timestamp }) => ({
    topic,
    partition,
    key: String(key),
    value: value as Buffer,
    headers: headers as Record<string, string>,
    timestamp: BigInt(timestamp!),
  }))

/** Sends batches, one after the other. @returns duration in ms */
export async function produce(brokers: string[], portions: readonly ReturnType<typeof inItsForm>[]): Promise<number> {
  const producer = new Producer({
    clientId: 'bare',
    bootstrapBrokers: brokers,
    idempotent: true,
    acks: -1,
    serializers: { key: stringSerializer, headerKey: stringSerializer, headerValue: stringSerializer },
  })
  try {
    return await timed(async () => {
      for (const messages of portions) await producer.send({ messages })
    })
  } finally {
    await producer.close()
  }
}

/** Consumes and counts `count` messages. @returns duration in ms since the partitions were assigned */
export async function consume(brokers: string[], groupId: string, topic: string, count: number): Promise<number> {
  const consumer = new Consumer({
    groupId,
    clientId: 'bare',
    bootstrapBrokers: brokers,
    autocommit: false,
    maxWaitTime: 500,
    maxBytes: 10 * 2 ** 20,
    maxBytesPerPartition: 2 ** 20,
    deserializers: { headerKey: stringDeserializer },
  })
  try {
    let began = 0
    consumer.on('consumer:group:join', () => {
      began = performance.now()
    })
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest' })
    let taken = 0
    for await (const _ of stream) if (++taken === count) break
    return performance.now() - began
  } finally {
    await consumer.close(true)
  }
}
