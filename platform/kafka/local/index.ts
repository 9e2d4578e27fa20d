import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Broker, broker, type Program, stopBrokersOn } from './broker.ts'
import { LocalKafkaError, PortTaken } from './error.ts'
import { javaProgram } from './java.ts'
import { fetched } from './maven.ts'
import { freePorts } from './ports.ts'
import type { Ports } from './server-properties.ts'
import { otherSupervisor, remember, remembered, thisProcess } from './state.ts'

export type { Broker } from './broker.ts'
export { LocalKafkaError, NoLocalKafka } from './error.ts'

export interface KafkaOptions {
  /** The folder for all data of the brokers; created if missing. */
  dataDir: string
  /** Number of brokers. With three, each topic has three replicas, and two must have a record before it is acknowledged. */
  brokers?: 1 | 3
  /** Ports for clients, used if free and if the folder does not remember others. */
  ports?: number[]
  /** Receives messages for people, one line at a time. */
  log?: (line: string) => void
}

export interface LocalKafka {
  /** For clients: host:port, comma-separated. */
  addresses: string
  brokers: Broker[]
  /** Stops every broker cleanly, in bounded time. */
  stop(): Promise<void>
}

/**
 * Starts a real Kafka (KRaft) with this machine's Java and jars from Maven Central, listening on 127.0.0.1 only. First stops brokers
 * that a killed process left running on the same folder. Data and ports survive restarts.
 *
 * As by default in Kafka, the operating system decides when to flush to disk: killed brokers lose nothing, but a power cut may lose
 * the last seconds of a single broker.
 * @throws NoLocalKafka when this machine cannot run one
 * @throws LocalKafkaError
 */
export async function startKafka({ dataDir, brokers = 1, ports = [], log = () => {} }: KafkaOptions): Promise<LocalKafka> {
  const program = { java: javaProgram(), jars: await fetched('kafka', join(import.meta.dirname, 'pom.xml'), 'copy', log) }
  const folder = resolve(dataDir)
  const known = remembered(folder)
  const other = otherSupervisor(known)
  if (other !== undefined) throw new LocalKafkaError(`Process ${other} runs the Kafka of ${folder}: stop that process first`)
  if (known.ports.length > 0 && known.ports.length !== brokers)
    throw new LocalKafkaError(`${folder} holds a Kafka of ${known.ports.length} brokers, not ${brokers}: take another folder`)
  if (await stopBrokersOn(folder)) log('stopped a Kafka that a killed process had left behind')

  for (let attempt = 1; ; attempt++) {
    const cluster = await choosePorts(brokers, known.ports, ports)
    remember(folder, { clusterId: known.clusterId, ports: cluster, supervisor: thisProcess })
    const running = clusterOf(program, folder, known.clusterId, cluster, log)
    const starting = running.map((each) => each.start())
    try {
      await Promise.all(starting)
      return {
        addresses: running.map(({ address }) => address).join(),
        brokers: running,
        stop: async () => {
          await stopAll(running)
          remember(folder, { clusterId: known.clusterId, ports: cluster })
        },
      }
    } catch (error) {
      await stopAll(running)
      await Promise.allSettled(starting)
      if (!(error instanceof PortTaken) || attempt === 3) {
        remember(folder, { clusterId: known.clusterId, ports: cluster })
        throw error
      }
    }
  }
}

const clusterOf = (program: Program, dataDir: string, clusterId: string, cluster: Ports[], log: (line: string) => void) =>
  cluster.map((_, index) =>
    broker(program, { id: index + 1, cluster, clusterId, folder: join(dataDir, `broker-${index + 1}`) }, (id, said) =>
      log(`broker ${id} ended by itself: ${said}`),
    ),
  )

async function choosePorts(brokers: number, known: Ports[], wanted: number[]): Promise<Ports[]> {
  const before = known.length > 0 ? known.flatMap(({ clients, controllers }) => [clients, controllers]) : undefined
  const chosen = await freePorts(2 * brokers, before ?? wanted.flatMap((port) => [port, undefined]))
  return Array.from({ length: brokers }, (_, i) => ({ clients: chosen[2 * i]!, controllers: chosen[2 * i + 1]! }))
}

/** Stops all brokers at once: one after the other, the last could no longer hand over their partitions. */
const stopAll = (brokers: Broker[]) => Promise.all(brokers.map((each) => each.stop()))

/** Stops the brokers of a data folder if no other living process supervises them. */
export async function stopOrphanedKafka(dataDir: string) {
  const folder = resolve(dataDir)
  if (otherSupervisor(remembered(folder)) === undefined) await stopBrokersOn(folder)
}

/** Stops the brokers that run on a data folder and deletes the folder. */
export async function destroyKafka(dataDir: string) {
  const folder = resolve(dataDir)
  await stopBrokersOn(folder)
  rmSync(folder, { recursive: true, force: true })
}
