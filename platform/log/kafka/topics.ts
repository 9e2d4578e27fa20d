import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import type { Topic } from '#events/kit/stream.ts'
import { within } from '#platform/deadline.ts'
import { MAX_MESSAGE_BYTES } from '#platform/kafka/message-bytes.ts'
import { OperatorError } from '#platform/operator-error.ts'
import { openKafka } from './client.ts'
import type { KafkaOptions } from './options.ts'

/** How to create topics. */
export interface TopicSettings {
  /** Copies of each partition. If not given: one per broker, at most three. */
  replication?: number
}

/** The state of a topic in Kafka, compared with the wanted state. */
export interface TopicState {
  topic: string
  /** Its name in Kafka. */
  name: string
  exists: boolean
  partitions?: number
  replication?: number
  config: Record<string, string>
  /** One sentence for each difference from the wanted state. */
  drift: string[]
}

/** History is kept for ever and never compacted. With three replicas, a write counts when two have it. */
const configOf = (replication: number): Record<string, string> => ({
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'min.insync.replicas': String(replication > 2 ? replication - 1 : 1),
  'max.message.bytes': String(MAX_MESSAGE_BYTES),
  'message.timestamp.type': 'CreateTime',
  'unclean.leader.election.enable': 'false',
})

/** Retries for some seconds, because brokers may be about to start. */
const RETRY = { retries: 5, initialRetryTime: 150 }
/** Bounds the wait for a frozen broker, which accepts connections but does not answer. */
const CONNECT_MS = 8_000
const LED_MS = 20_000
const LOOK_MS = 100

/** Runs `work` with tools for the topics of a cluster, then disconnects. @throws OperatorError when Kafka cannot be reached */
export async function withTopics<T>(options: KafkaOptions, work: (topics: TopicTools) => Promise<T>): Promise<T> {
  const { kafka, close } = openKafka('vidwiz topics', options, RETRY)
  const admin = kafka.admin()
  const kafkaName = ({ name }: Topic) => (options.prefix ?? '') + name
  try {
    await within(CONNECT_MS, admin.connect(), () => {
      throw new Error(`no answer within ${CONNECT_MS} ms`)
    })
  } catch (error) {
    close()
    throw new OperatorError(`cannot reach Kafka at ${options.brokers.join(', ')}: ${(error as Error).message}`, { cause: error })
  }

  const replicationOf = async ({ replication }: TopicSettings) =>
    replication ?? Math.min(3, (await admin.describeCluster()).brokers.length)

  async function describe(topics: readonly Topic[], settings: TopicSettings = {}): Promise<TopicState[]> {
    const wanted = await replicationOf(settings)
    const existing = new Set(await admin.listTopics())
    const found = topics.filter((topic) => existing.has(kafkaName(topic)))
    const { topics: metadata } =
      found.length > 0 ? await admin.fetchTopicMetadata({ topics: found.map(kafkaName) }) : { topics: [] }
    const { resources } =
      found.length > 0
        ? await admin.describeConfigs({
            includeSynonyms: false,
            resources: found.map((topic) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name: kafkaName(topic) })),
          })
        : { resources: [] }
    return topics.map((topic) => {
      const name = kafkaName(topic)
      const known = metadata.find((one) => one.name === name)
      if (!known) return { topic: topic.name, name, exists: false, config: {}, drift: [`${name} does not exist`] }
      const entries = resources.find((one) => one.resourceName === name)?.configEntries ?? []
      const actual = Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]))
      const replication = Math.min(...known.partitions.map((partition) => partition.replicas.length))
      const drift = []
      if (known.partitions.length !== topic.partitions)
        drift.push(`${name} has ${known.partitions.length} partitions, not ${topic.partitions}`)
      if (replication < wanted) drift.push(`${name} has ${replication} replicas, not ${wanted}`)
      for (const [key, value] of Object.entries(configOf(wanted)))
        if (actual[key] !== value) drift.push(`${name} has ${key}=${actual[key]}, not ${value}`)
      const config = Object.fromEntries(Object.keys(configOf(wanted)).map((key) => [key, actual[key] ?? '']))
      return { topic: topic.name, name, exists: true, partitions: known.partitions.length, replication, config, drift }
    })
  }

  async function create(topics: readonly Topic[], settings: TopicSettings = {}): Promise<string[]> {
    const replication = await replicationOf(settings)
    const missing = (await describe(topics, settings)).filter((state) => !state.exists)
    if (missing.length === 0) return []
    await admin.createTopics({
      // kafkajs gives up when a broker does not know the topics yet, so we wait ourselves.
      waitForLeaders: false,
      topics: missing.map(({ topic, name }) => ({
        topic: name,
        numPartitions: topics.find((one) => one.name === topic)!.partitions,
        replicationFactor: replication,
        configEntries: Object.entries(configOf(replication)).map(([name, value]) => ({ name, value })),
      })),
    })
    await untilLed(missing.map(({ name }) => name))
    return missing.map(({ name }) => name)
  }

  /** Waits until new topics have leaders; before, some brokers may not even know them. */
  async function untilLed(names: string[]): Promise<void> {
    for (const until = Date.now() + LED_MS; ; await sleep(LOOK_MS)) {
      try {
        const { topics } = await admin.fetchTopicMetadata({ topics: names })
        if (topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0))) return
      } catch (error) {
        if (Date.now() > until) throw error
      }
      if (Date.now() > until) throw new Error(`${names.join(', ')} have no leaders yet`)
    }
  }

  try {
    return await work({
      describe,
      create,
      async remove(topics) {
        const existing = new Set(await admin.listTopics())
        await admin.deleteTopics({ topics: topics.map(kafkaName).filter((name) => existing.has(name)) })
      },
    })
  } finally {
    await admin.disconnect()
    close()
  }
}

export interface TopicTools {
  /** The state of each topic, compared with the wanted state. */
  describe(topics: readonly Topic[], settings?: TopicSettings): Promise<TopicState[]>
  /** Creates missing topics; returns their names in Kafka. Safe when several processes do it at once. */
  create(topics: readonly Topic[], settings?: TopicSettings): Promise<string[]>
  /** Removes topics and all their events, if they exist. */
  remove(topics: readonly Topic[]): Promise<void>
}
