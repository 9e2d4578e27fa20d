import { postgresReader } from '../platform/log/postgres/reader.ts'
import { setupViews } from '../projections/engine/setup.ts'
import { notesView } from '../projections/notes.ts'
import { result } from './kit/child.ts'
import type { FetchReport } from './kit/fetch-process.ts'
import { atLeast, atMost, type Benchmark } from './kit/figure.ts'
import { inTurn, median } from './kit/measure.ts'
import { notesOnKafka } from './kit/notes-on-kafka.ts'
import type { RebuildReport } from './kit/rebuild-process.ts'

const MB = 2 ** 20

/**
 * Rebuild of the notes view from Kafka in a separate process, compared with only fetching its records (by kafkajs alone, and
 * without decoding them), and with the embedded log.
 */
export const kafkaRebuild: Benchmark = {
  name: 'kafka-rebuild',
  async run({ quick }) {
    const [rounds, events] = quick ? [2, 20_000] : [3, 300_000]
    const log = await notesOnKafka(events)
    const reader = postgresReader(log.db, log.listener)
    try {
      await setupViews([notesView], { db: log.db, reader })
      await log.relay()
      const brokers = [log.kafka.brokers.join(), log.kafka.prefix!]
      const runs = await inTurn<{ kafka: RebuildReport; fetch: FetchReport; undecoded: FetchReport; embedded: RebuildReport }>(
        rounds,
        {
          kafka: () => result('rebuild-process.ts', [log.databaseUrl, 'once', '0', ...brokers]),
          fetch: () => result('fetch-process.ts', brokers),
          undecoded: () => result('fetch-process.ts', [...brokers, 'undecoded']),
          embedded: () => result('rebuild-process.ts', [log.databaseUrl]),
        },
      )
      const perSecond = (runs: { tookMs: number }[]) => (events * 1000) / median(runs.map(({ tookMs }) => tookMs))
      const peak = (runs: RebuildReport[]) => Math.max(...runs.map(({ peakBytes }) => peakBytes)) / MB
      const rate = { value: perSecond(runs.kafka), unit: 'events/s' }
      const count = events.toLocaleString('en')
      return [
        {
          ...rate,
          name: `${count} events`,
          beside: { what: 'fetching the records with kafkajs', value: perSecond(runs.fetch) },
          target: atLeast(0.7),
        },
        {
          ...rate,
          name: `${count} events, undecoded`,
          beside: { what: 'fetching the records, decoding none', value: perSecond(runs.undecoded) },
        },
        {
          ...rate,
          name: `${count} events, embedded`,
          beside: { what: 'from the embedded log', value: perSecond(runs.embedded) },
        },
        { name: `peak memory, ${count} events`, value: peak(runs.kafka), unit: 'MB', target: atMost(300) },
        { name: `peak memory, ${count} events, the embedded log`, value: peak(runs.embedded), unit: 'MB' },
      ]
    } finally {
      await reader.close()
      await log.close()
    }
  },
}
