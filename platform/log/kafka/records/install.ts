import { CompressionTypes, type Kafka } from 'kafkajs'
import { readFetch } from './read.ts'
import { type ProduceRequest, writeProduce } from './write.ts'

/** The parts of kafkajs that this file uses and that its types do not declare. kafkajs is pinned (docs/decisions/kafka.md). */
interface Inside {
  [createCluster: symbol]: (options: object) => Cluster
}

interface Cluster {
  findBroker(node: { nodeId: string }): Promise<Broker>
}

interface Broker {
  /** Makes the requests of an API in the newest version that both sides have. Replaced each time the broker is connected. */
  lookupRequest: Lookup
}

type Lookup = (api: number, definition: unknown) => (options: never) => Exchange

interface Exchange {
  request: { apiVersion: number; encode(): Promise<Encoded> }
  response: { decode(answer: Buffer): Promise<unknown>; parse(decoded: unknown): unknown }
}

/** What kafkajs's encoder reads of another one. */
interface Encoded {
  buf: Buffer
  buffer: Buffer
}

const PRODUCE = 0
const FETCH = 1
/** Versions of these APIs in which the relay's producer and our consumers speak; others stay with kafkajs. */
const PRODUCE_VERSIONS = [3, 4, 5, 6, 7]
const FETCH_VERSION = 11

/**
 * Makes the producers and consumers of a client read and write records with the functions of this folder: kafkajs needs two thirds of
 * their time for that. Everything else, and every unusual record, stays with kafkajs.
 */
export function installRecords(kafka: Kafka): Kafka {
  const inside = kafka as unknown as Inside
  const name = Object.getOwnPropertySymbols(kafka).find((s) => s.description === 'private:Kafka:createCluster')
  if (!name || typeof inside[name] !== 'function')
    throw new Error('this release of kafkajs does not make its clusters in `Kafka`')
  const createCluster = inside[name]
  inside[name] = (options) => {
    const cluster = createCluster(options)
    const findBroker = cluster.findBroker.bind(cluster)
    cluster.findBroker = async (node) => installed(await findBroker(node))
    return cluster
  }
  return kafka
}

const brokers = new WeakSet<Broker>()

function installed(broker: Broker): Broker {
  if (brokers.has(broker)) return broker
  brokers.add(broker)
  let lookup = broker.lookupRequest
  Object.defineProperty(broker, 'lookupRequest', {
    get: (): Lookup => (api, definition) => {
      const make = lookup(api, definition)
      if (api === PRODUCE) return (options) => ours(make(options), options)
      if (api === FETCH) return (options) => read(make(options))
      return make
    },
    set(next: Lookup) {
      lookup = next
    },
  })
  return broker
}

function ours(exchange: Exchange, options: ProduceRequest & { compression?: CompressionTypes }): Exchange {
  const { request } = exchange
  const { compression = CompressionTypes.None } = options
  if (!PRODUCE_VERSIONS.includes(request.apiVersion) || compression !== CompressionTypes.None) return exchange
  const encode = async () => {
    const buffer = writeProduce(options)
    return { buf: buffer, buffer }
  }
  return { ...exchange, request: { ...request, encode } }
}

function read(exchange: Exchange): Exchange {
  const { request, response } = exchange
  if (request.apiVersion !== FETCH_VERSION) return exchange
  const decode = async (answer: Buffer) => readFetch(answer) ?? response.decode(answer)
  return { ...exchange, response: { ...response, decode } }
}
