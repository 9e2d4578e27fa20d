import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type ISocketFactory, Kafka, logLevel, type RetryOptions, type SASLOptions } from 'kafkajs'
import type { Settings } from '#platform/config/settings.ts'
import { installRecords } from './records/install.ts'

/** How to reach a Kafka cluster, and what our topics and groups are called there. */
export interface KafkaOptions {
  brokers: string[]
  /** Put before the name of each topic and consumer group, so that several systems can share a cluster. */
  prefix?: string
  ssl?: boolean
  sasl?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string }
}

export type KafkaSettings = Pick<
  Settings,
  'KAFKA_BROKERS' | 'KAFKA_PREFIX' | 'KAFKA_SSL' | 'KAFKA_SASL_MECHANISM' | 'KAFKA_SASL_USERNAME' | 'KAFKA_SASL_PASSWORD'
>

/** The Kafka options in the settings; undefined when the log is the embedded one. */
export function kafkaOptions(settings: KafkaSettings): KafkaOptions | undefined {
  const { KAFKA_BROKERS: brokers, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password = '' } = settings
  if (!brokers) return undefined
  return {
    brokers,
    prefix: settings.KAFKA_PREFIX,
    ssl: settings.KAFKA_SSL,
    ...(username ? { sasl: { mechanism: settings.KAFKA_SASL_MECHANISM, username, password } } : {}),
  }
}

const CONNECT_MS = 3_000
const REQUEST_MS = 30_000
const KEEP_ALIVE_MS = 60_000

export interface KafkaClient {
  kafka: Kafka
  /** Closes all connections that are still open, and any opened later: kafkajs forgets some of its own. */
  close(): void
}

/** For callers that retry themselves and must learn soon that Kafka is away. By default kafkajs keeps trying for 9 s and more. */
export const SOON: RetryOptions = { retries: 1, initialRetryTime: 100 }

/** A client of the cluster. It logs nothing: failures come back as errors. */
export function openKafka(name: string, options: KafkaOptions, retry?: RetryOptions): KafkaClient {
  const { kafka, close } = openKafkajs(name, options, retry)
  return { kafka: installRecords(kafka), close }
}

/** The same with all of kafkajs, for comparison. */
export function openKafkajs(name: string, { brokers, ssl, sasl }: KafkaOptions, retry?: RetryOptions): KafkaClient {
  const sockets = new Set<Socket>()
  let closed = false
  const socketFactory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    const socket = ssl
      ? connectTls({ ...ssl, host, port, ...(isIP(host) ? {} : { servername: host }) }, onConnect)
      : connectPlain({ host, port }, onConnect)
    socket.setKeepAlive(true, KEEP_ALIVE_MS).setNoDelay(true)
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    if (closed) socket.destroy()
    return socket
  }
  const kafka = new Kafka({
    clientId: name.replaceAll(' ', '-'),
    brokers,
    ...(ssl ? { ssl } : {}),
    ...(sasl ? { sasl: saslOf(sasl) } : {}),
    ...(retry ? { retry } : {}),
    connectionTimeout: CONNECT_MS,
    requestTimeout: REQUEST_MS,
    logLevel: logLevel.NOTHING,
    socketFactory,
  })
  return {
    kafka,
    close() {
      closed = true
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** kafkajs has a type for each mechanism. */
function saslOf({ mechanism, ...login }: NonNullable<KafkaOptions['sasl']>): SASLOptions {
  switch (mechanism) {
    case 'plain':
      return { mechanism, ...login }
    case 'scram-sha-256':
      return { mechanism, ...login }
    case 'scram-sha-512':
      return { mechanism, ...login }
  }
}
