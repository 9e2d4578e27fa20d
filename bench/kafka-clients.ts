import { notes } from '../events/topics.ts'
import { openKafka } from '../platform/log/kafka/client.ts'
import { fromMessage } from '../platform/log/kafka/message.ts'
import { plainWire } from '../platform/log/kafka/wire.ts'
import * as kafkajs from './kit/bare-kafkajs.ts'
import * as platformatic from './kit/bare-platformatic.ts'
import type { Benchmark } from './kit/figure.ts'
import { inTurn, median } from './kit/measure.ts'
import { notesOnKafka } from './kit/notes-on-kafka.ts'

/** Durations in ms. */
interface Took {
  kafkajs: number
  ours: number
  platformatic: number
}

/**
 * kafkajs, alone and with VidWiz's own records, compared with the other pure JavaScript client, which is maintained: same records, same
 * broker, acks=all.
 */
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
          ours: () => kafkajs.produce(log.kafka, log.topic, portions, openKafka),
          platformatic: () => platformatic.produce(brokers, theirs),
        })
      }
      const small = await produced(1_000)
      const large = await produced(4_000)
      let groups = 0
      const consumed = await inTurn<Took>(rounds, {
        kafkajs: () => kafkajs.consume(log.kafka, log.topic, events),
        // Our records are decoded when they are asked for, so this one makes the events.
        ours: () =>
          kafkajs.consume(log.kafka, log.topic, events, openKafka, (message) => fromMessage(notes.name, 0, message, plainWire)),
        platformatic: () => platformatic.consume(brokers, `${log.kafka.prefix}platformatic-${++groups}`, log.topic, events),
      })
      const read = await inTurn<{ cluster: number; group: number }>(rounds, {
        cluster: () => kafkajs.readByCluster(log.kafka, log.topic),
        group: () => kafkajs.readInGroup(log.kafka, log.topic),
      })
      const figures = (name: string, took: Record<keyof Took, number[]>) => {
        const perSecond = (who: keyof Took) => (events * 1000) / median(took[who])
        const beside = { what: '@platformatic/kafka', value: perSecond('platformatic') }
        return [
          { name: `${name}, kafkajs`, value: perSecond('kafkajs'), unit: 'messages/s', beside },
          { name: `${name}, kafkajs with our records`, value: perSecond('ours'), unit: 'messages/s', beside },
        ]
      }
      return [
        ...figures('produce, portions of 1,000', small),
        ...figures('produce, portions of 4,000', large),
        ...figures('consume', consumed),
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
