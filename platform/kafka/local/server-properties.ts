import { MAX_MESSAGE_BYTES } from '../message-bytes.ts'

/** A broker's ports on 127.0.0.1: one for clients and other brokers, one for controllers. */
export type Ports = { clients: number; controllers: number }

/**
 * The configuration of a broker that is also a controller (KRaft).
 * @param id of the broker, counting from 1 in the order of `cluster`
 * @param cluster the ports of all brokers, including this one
 * @param logDir folder for the broker's data
 */
export function serverProperties(id: number, cluster: Ports[], logDir: string): string {
  const { clients, controllers } = cluster[id - 1]!
  const copies = Math.min(3, cluster.length)
  const inSync = Math.max(1, copies - 1)
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': id,
    'controller.quorum.voters': cluster.map((ports, index) => `${index + 1}@127.0.0.1:${ports.controllers}`).join(','),
    listeners: `CLIENTS://127.0.0.1:${clients},CONTROLLERS://127.0.0.1:${controllers}`,
    'advertised.listeners': `CLIENTS://127.0.0.1:${clients}`,
    'listener.security.protocol.map': 'CLIENTS:PLAINTEXT,CONTROLLERS:PLAINTEXT',
    'controller.listener.names': 'CONTROLLERS',
    'inter.broker.listener.name': 'CLIENTS',
    'log.dirs': logDir,
    // VidWiz creates topics itself, with their number of partitions, and their records are kept forever.
    'auto.create.topics.enable': false,
    'log.retention.ms': -1,
    'default.replication.factor': copies,
    'min.insync.replicas': inSync,
    'message.max.bytes': MAX_MESSAGE_BYTES,
    'replica.fetch.max.bytes': MAX_MESSAGE_BYTES,
    // On one machine a consumer group need not wait for further members.
    'group.initial.rebalance.delay.ms': 0,
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': inSync,
    // These detect a killed broker within seconds.
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    'replica.lag.time.max.ms': 3000,
  }
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
