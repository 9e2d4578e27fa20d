import { CompressionTypes, type KafkaMessage, type Message } from 'kafkajs'
import { notes } from '../../events/topics.ts'
import { openKafkajs } from '../../platform/log/kafka/client.ts'
import { openFetcher } from '../../platform/log/kafka/fetch.ts'
import type { KafkaOptions } from '../../platform/log/kafka/options.ts'
import { timed } from './measure.ts'

/** kafkajs with VidWiz's settings: alone, or with VidWiz's own records (`openKafka`). */

/** Sends batches of prepared messages, one after the other. @returns duration in ms */
export async function produce(
  options: KafkaOptions,
  topic: string,
  portions: readonly Message[][],
  open = openKafkajs,
): Promise<number> {
  const { kafka, close } = open('bare', options)
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition!,
  })
  try {
    return await timed(async () => {
      await producer.connect()
      for (const messages of portions)
        await producer.sendBatch({ acks: -1, compression: CompressionTypes.None, topicMessages: [{ topic, messages }] })
    })
  } finally {
    await producer.disconnect()
    close()
  }
}

let groups = 0

/**
 * Consumes and counts `count` messages.
 * @param each called with each message
 * @returns duration in ms since the partitions were assigned
 */
export async function consume(
  options: KafkaOptions,
  topic: string,
  count: number,
  open = openKafkajs,
  each?: (message: KafkaMessage) => unknown,
): Promise<number> {
  const { kafka, close } = open('bare', options)
  const consumer = kafka.consumer({
    groupId: `${options.prefix}bare-${++groups}`,
    maxWaitTimeInMs: 500,
    allowAutoTopicCreation: false,
  })
  const done = Promise.withResolvers<number>()
  let began = 0
  let taken = 0
  consumer.on(consumer.events.GROUP_JOIN, () => {
    began = performance.now()
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => done.reject(payload.error))
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: notes.partitions,
      eachBatch: async ({ batch }) => {
        if (each) for (const message of batch.messages) each(message)
        taken += batch.messages.length
        if (taken >= count) done.resolve(performance.now() - began)
      },
    })
    return await done.promise
  } finally {
    await consumer.disconnect()
    close()
  }
}

/** Reads the first records of a topic as a member of a group of its own. @returns duration in ms, connecting included */
export async function readInGroup(options: KafkaOptions, topic: string): Promise<number> {
  const { kafka, close } = openKafkajs('bare', options)
  const consumer = kafka.consumer({ groupId: `${options.prefix}bare-${++groups}`, allowAutoTopicCreation: false })
  const done = Promise.withResolvers<void>()
  consumer.on(consumer.events.CRASH, ({ payload }) => done.reject(payload.error))
  try {
    return await timed(async () => {
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      await consumer.run({ autoCommit: false, eachBatch: async () => done.resolve() })
      await done.promise
    })
  } finally {
    await consumer.disconnect()
    close()
  }
}

/** The same by the class of kafkajs on which its consumers are built, as VidWiz reads for a replay. */
export async function readByCluster(options: KafkaOptions, topic: string): Promise<number> {
  const { kafka, close } = openKafkajs('bare', options)
  const fetcher = openFetcher(kafka)
  try {
    return await timed(() => fetcher.fetch(topic, new Map([[0, 0]])))
  } finally {
    await fetcher.close()
    close()
  }
}
