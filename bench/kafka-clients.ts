import * as kafkajs from './kit/bare-kafkajs.ts'
import * as platformatic from './kit/bare-platformatic.ts'
import type { Benchmark } from './kit/figure.ts'
import { inTurn, median } from './kit/measure.ts'
import { notesOnKafka } from './kit/notes-on-kafka.ts'

/** Durations in ms. */
interface Took {
  kafkajs: number
  platformatic: number
}

/** kafkajs compared with the other maintained pure JavaScript client: same records, same broker, acks=all. */
export const kafkaClients: Benchmark = {
  name: 'kafka-clients',
  async run({ quick }) {
    const [rounds, events] = quick ? [3, 20_000] : [5, 100_000]
    const log = await notesOnKafka(events)
    const { brokers } = log.kafka
    try {
      const produced = async (portion: number) => {
        const portions = await log.messages(portion)
        const theirs = portions.map((messages) => platformatic.inItsForm(log.topic, messages))
        return inTurn<Took>(rounds, {
          kafkajs: () => kafkajs.produce(log.kafka, log.topic, portions),
          platformatic: () => platformatic.produce(brokers, theirs),
        })
      }
      const small = await produced(1_000)
      const large = await produced(4_000)
      let groups = 0
      const consumed = await inTurn<Took>(rounds, {
        kafkajs: () => kafkajs.consume(log.kafka, log.topic, events),
        platformatic: () => platformatic.consume(brokers, `${log.kafka.prefix}platformatic-${++groups}`, log.topic, events),
      })
      const read = await inTurn<{ cluster: number; group: number }>(rounds, {
        cluster: () => kafkajs.readByCluster(log.kafka, log.topic),
        group: () => kafkajs.readInGroup(log.kafka, log.topic),
      })
      const figure = (name: string, took: Record<keyof Took, number[]>) => ({
        name: `${name}, kafkajs`,
        value: (events * 1000) / median(took.kafkajs),
        unit: 'messages/s',
        beside: { what: '@platformatic/kafka', value: (events * 1000) / median(took.platformatic) },
      })
      return [
        figure('produce, portions of 1,000', small),
        figure('produce, portions of 4,000', large),
        figure('consume', consumed),
        {
          name: "first records, kafkajs's cluster class",
          value: median(read.cluster),
          unit: 'ms',
          beside: { what: 'kafkajs in a group of its own', value: median(read.group) },
        },
      ]
    } finally {
      await log.close()
    }
  },
}
