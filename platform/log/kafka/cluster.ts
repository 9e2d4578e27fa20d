import { type Broker, type Cluster, type Kafka, type KafkaMessage, PartitionAssigners } from 'kafkajs'
import { RawRecord } from './records/record.ts'

/**
 * The cluster class of kafkajs, which can fetch from a partition without a group. kafkajs gives it to the partition assigners of a consumer.
 * The consumer is never connected, so it joins no group.
 */
export function openCluster(kafka: Kafka): Cluster {
  const given: Cluster[] = []
  kafka.consumer({
    groupId: 'never joined',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      (options) => {
        given.push(options.cluster)
        return PartitionAssigners.roundRobin(options)
      },
    ],
  })
  const [cluster] = given
  if (!cluster) throw new Error('this release of kafkajs does not give its cluster to the partition assigners of a new consumer')
  return cluster
}

/** One partition in the answer to a fetch. */
export interface FetchedPartition {
  partition: number
  /** Offset after the last record that all in-sync replicas have. */
  highWatermark: string
  messages: FetchedRecord[]
}

/** `isControlRecord`: a marker of a transaction, not a message. */
export type FetchedRecord = KafkaMessage & { isControlRecord?: boolean }

/** Fetches from partitions that a broker leads. kafkajs does not declare the type of the answer, so it is checked here. */
export async function fetchFrom(broker: Broker, request: Parameters<Broker['fetch']>[0]): Promise<FetchedPartition[]> {
  const answer: unknown = await broker.fetch(request)
  const topics = isObject(answer) && Array.isArray(answer.responses) ? answer.responses : [undefined]
  return topics.flatMap((topic: unknown) => {
    const partitions: unknown = isObject(topic) && topic.partitions
    if (!Array.isArray(partitions) || !partitions.every(isPartition))
      throw new Error('this release of kafkajs answers a fetch in a form that this code does not know')
    return partitions
  })
}

const isPartition = (one: unknown): one is FetchedPartition =>
  isObject(one) &&
  typeof one.partition === 'number' &&
  typeof one.highWatermark === 'string' &&
  Array.isArray(one.messages) &&
  one.messages.every(isRecord)

const isRecord = (one: unknown): one is FetchedRecord =>
  // It decodes its parts when they are asked for, so they are not asked for here.
  one instanceof RawRecord ||
  (isObject(one) &&
    typeof one.offset === 'string' &&
    typeof one.timestamp === 'string' &&
    isBytes(one.key) &&
    isBytes(one.value) &&
    (one.headers === undefined || isObject(one.headers)))

const isBytes = (one: unknown) => one === null || Buffer.isBuffer(one)

const isObject = (one: unknown): one is Record<string, unknown> => typeof one === 'object' && one !== null
