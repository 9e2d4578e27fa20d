import { Kafka, logLevel } from 'kafkajs'

/**
 * Asks a broker which brokers of its cluster run.
 * @param address host:port
 * @returns their ids; empty when the broker does not answer (yet)
 */
export async function brokersSeenFrom(address: string): Promise<number[]> {
  const kafka = new Kafka({
    clientId: 'vidwiz-local-kafka',
    brokers: [address],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    requestTimeout: 2000,
    retry: { retries: 0 },
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    return (await admin.describeCluster()).brokers.map(({ nodeId }) => nodeId)
  } catch {
    return []
  } finally {
    await admin.disconnect().catch(() => {})
  }
}
