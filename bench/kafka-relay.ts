import { produce } from './kit/bare-kafkajs.ts'
import { atLeast, type Benchmark } from './kit/figure.ts'
import { inTurn, median } from './kit/measure.ts'
import { notesOnKafka } from './kit/notes-on-kafka.ts'

/** The relay publishing a backlog, compared with kafkajs sending the same prepared messages in the same batches. */
export const kafkaRelay: Benchmark = {
  name: 'kafka-relay',
  async run({ quick }) {
    const [rounds, events] = quick ? [3, 20_000] : [7, 100_000]
    const log = await notesOnKafka(events)
    try {
      const portions = await log.messages()
      const took = await inTurn<{ relay: number; bare: number }>(rounds, {
        relay: log.relay,
        bare: () => produce(log.kafka, log.topic, portions),
      })
      const perSecond = (tookMs: number[]) => (events * 1000) / median(tookMs)
      return [
        {
          name: 'relay and produce, catching up',
          value: perSecond(took.relay),
          unit: 'events/s',
          beside: { what: 'bare kafkajs', value: perSecond(took.bare) },
          target: atLeast(0.95),
        },
      ]
    } finally {
      await log.close()
    }
  },
}
