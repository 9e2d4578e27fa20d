import { MAX_MESSAGE_BYTES } from '../message-bytes.ts'

/** Where a broker listens, on 127.0.0.1 only: for clients and the other brokers, and for the controllers among themselves. */
export type Ports = { clients: number; controllers: number }

/**
 * The configuration of a broker that is a controller as well (KRaft).
 * @param id from 1 on, its place among `cluster`
 * @param cluster the ports of all brokers, this one included
 * @param logDir where it keeps its data
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
    // Topics are made on purpose, with their number of partitions, and keep history for ever.
    'auto.create.topics.enable': false,
    'log.retention.ms': -1,
    'default.replication.factor': copies,
    'min.insync.replicas': inSync,
    'message.max.bytes': MAX_MESSAGE_BYTES,
    'replica.fetch.max.bytes': MAX_MESSAGE_BYTES,
    // A group of one machine is complete as soon as its first member comes.
    'group.initial.rebalance.delay.ms': 0,
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': inSync,
    // A killed broker is noticed within seconds.
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    'replica.lag.time.max.ms': 3000,
  }
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
