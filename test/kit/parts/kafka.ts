import { destroyKafka, startKafka } from '#platform/kafka/local/index.ts'
import { MAX_MESSAGE_BYTES } from '#platform/kafka/message-bytes.ts'
import { freePort } from '../free-port.ts'
import type { Part, Ways } from './choose.ts'
import { container } from './docker.ts'
import { testFolder } from './folder.ts'

const IMAGE = 'apache/kafka:4.1.2'

export const kafkaWays: Ways = { name: 'Kafka', variable: 'KAFKA_BROKERS', docker: inDocker, jars: fromJars }

/** A broker advertises the port by which clients reach it, so the port is chosen beforehand. */
async function inDocker(): Promise<Part> {
  const port = await freePort()
  return container(
    IMAGE,
    (image, { Wait }) =>
      image
        .withExposedPorts({ container: port, host: port })
        .withEnvironment(environment(port))
        .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/)),
    (started) => `${started.getHost()}:${port}`,
  )
}

async function fromJars(): Promise<Part> {
  const dataDir = await testFolder('kafka', destroyKafka)
  try {
    const { addresses, stop } = await startKafka({ dataDir, log: console.error })
    return { address: addresses, stop: () => stop().then(() => destroyKafka(dataDir)) }
  } catch (error) {
    await destroyKafka(dataDir)
    throw error
  }
}

/** Same settings as for a broker from jars, as far as tests can notice a difference. */
export const environment = (port: number): Record<string, string> => ({
  KAFKA_NODE_ID: '1',
  KAFKA_PROCESS_ROLES: 'broker,controller',
  KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:19093',
  KAFKA_LISTENERS: `CLIENTS://0.0.0.0:${port},CONTROLLERS://localhost:19093`,
  KAFKA_ADVERTISED_LISTENERS: `CLIENTS://localhost:${port}`,
  KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CLIENTS:PLAINTEXT,CONTROLLERS:PLAINTEXT',
  KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLERS',
  KAFKA_INTER_BROKER_LISTENER_NAME: 'CLIENTS',
  KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
  KAFKA_LOG_RETENTION_MS: '-1',
  KAFKA_MESSAGE_MAX_BYTES: String(MAX_MESSAGE_BYTES),
  KAFKA_REPLICA_FETCH_MAX_BYTES: String(MAX_MESSAGE_BYTES),
  KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
  KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
  KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
  KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
  KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR: '1',
  KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR: '1',
})
