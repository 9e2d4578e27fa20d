import { kafkaBrokers } from '../test/kit/kafka.ts'
import { startStack } from '../test/kit/stack.ts'
import { atMost, type Benchmark, type Figure } from './kit/figure.ts'
import { callers, inTurn, percentile } from './kit/measure.ts'
import { openWriters } from './kit/writers.ts'

/**
 * Time from a command until all views show it, through relay, Kafka and projector, each in a process; compared with the embedded
 * log.
 */
export const kafkaVisible: Benchmark = {
  name: 'kafka-visible',
  async run({ quick }) {
    const [rounds, ms] = quick ? [2, 1_000] : [5, 3_000]
    const stacks = [
      await startStack({}, { brokers: await kafkaBrokers(), parts: ['relay', 'projector', 'api'] }),
      await startStack({}, { parts: ['projector', 'api'] }),
    ] as const
    const [onKafka, embedded] = await Promise.all([openWriters(stacks[0]), openWriters(stacks[1])])
    try {
      const figures: Figure[] = []
      for (const count of [1, 16]) {
        const took = await inTurn<{ kafka: number[]; embedded: number[] }>(rounds, {
          kafka: async () => (await callers(count, ms, onKafka.writeAndWait)).tookMs,
          embedded: async () => (await callers(count, ms, embedded.writeAndWait)).tookMs,
        })
        const [kafka, beside] = [took.kafka.flat(), took.embedded.flat()]
        const who = count === 1 ? '1 writer' : `${count} writers`
        figures.push(
          {
            name: `p50, ${who}`,
            value: percentile(kafka, 0.5),
            unit: 'ms',
            beside: { what: 'the embedded log', value: percentile(beside, 0.5) },
          },
          { name: `p99, ${who}`, value: percentile(kafka, 0.99), unit: 'ms', target: atMost(60) },
          { name: `p99, ${who}, the embedded log`, value: percentile(beside, 0.99), unit: 'ms' },
        )
      }
      return figures
    } finally {
      await onKafka.close()
      await embedded.close()
      await Promise.all(stacks.map((stack) => stack.stop()))
    }
  },
}
