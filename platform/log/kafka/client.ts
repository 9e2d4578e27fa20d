import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type ISocketFactory, Kafka, logLevel, type RetryOptions, type SASLOptions } from 'kafkajs'
import type { KafkaOptions } from './options.ts'
import { installRecords } from './records/install.ts'

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
