import { notes } from '../events/topics.ts'
import { kafkaReader } from '../platform/log/kafka/reader.ts'
import type { Reader } from '../platform/log/port.ts'
import { postgresReader } from '../platform/log/postgres/reader.ts'
import { openDb } from '../platform/pg/pool.ts'
import { startProjector } from '../projections/engine/projector.ts'
import { setupViews } from '../projections/engine/setup.ts'
import { openWaiter } from '../projections/engine/wait.ts'
import { notesView } from '../projections/notes.ts'
import { consume } from './kit/bare-kafkajs.ts'
import { atLeast, type Benchmark } from './kit/figure.ts'
import { inTurn, median } from './kit/measure.ts'
import { type NotesOnKafka, notesOnKafka } from './kit/notes-on-kafka.ts'

/**
 * The projector catching up with the notes topic on Kafka, compared with a consumer that only counts, and with the embedded log.
 */
export const kafkaProject: Benchmark = {
  name: 'kafka-project',
  async run({ quick }) {
    const [rounds, events] = quick ? [3, 20_000] : [5, 100_000]
    const log = await notesOnKafka(events)
    // As in every service.
    const views = openDb(log.databaseUrl, { name: 'bench kafka-project', durable: false, indexed: true })
    const embedded = postgresReader(views, log.listener)
    try {
      await setupViews([notesView], { db: views, reader: embedded })
      await log.relay()
      const took = await inTurn<{ kafka: number; bare: number; embedded: number }>(rounds, {
        async kafka() {
          const reader = kafkaReader(views, log.kafka)
          const tookMs = await projecting(log, views, reader)
          await reader.close()
          return tookMs
        },
        bare: () => consume(log.kafka, log.topic, events),
        embedded: () => projecting(log, views, embedded),
      })
      const perSecond = (tookMs: number[]) => (events * 1000) / median(tookMs)
      const live = { value: perSecond(took.kafka), unit: 'events/s' }
      return [
        {
          ...live,
          name: 'live projection',
          beside: { what: 'bare kafkajs, counting', value: perSecond(took.bare) },
          target: atLeast(0.7),
        },
        {
          ...live,
          name: 'live projection, embedded',
          beside: { what: 'from the embedded log', value: perSecond(took.embedded) },
        },
      ]
    } finally {
      await embedded.close()
      await views.close()
      await log.close()
    }
  },
}

/** Time in ms from the assignment of the partitions until the view contains everything. */
async function projecting(log: NotesOnKafka, db: NotesOnKafka['db'], reader: Reader): Promise<number> {
  await db.query('bench.truncate', 'truncate views.notes')
  await db.query('bench.restart', 'delete from log.checkpoints')
  const waiter = openWaiter(db, log.listener, [notesView])
  const heads = [...(await reader.heads(notes))].map(([partition, pos]) => ({ topic: notes.name, partition, pos }))
  let began = 0
  const watched: Reader = {
    ...reader,
    follow: (follower) =>
      reader.follow({
        ...follower,
        resume(partitions) {
          began ||= performance.now()
          return follower.resume(partitions)
        },
      }),
  }
  const projector = startProjector({ db, reader: watched, views: [notesView] })
  if (!(await waiter.visible(['notes'], heads, 600_000))) throw new Error('the projector did not catch up')
  const tookMs = performance.now() - began
  await projector.stop()
  waiter.close()
  return tookMs
}
