import { topics } from '#events/topics.ts'
import { readSettings } from '#platform/config/settings.ts'
import { kafkaOptions } from '#platform/log/kafka/client.ts'
import { startRelay } from '#platform/log/kafka/relay.ts'
import { relayLag } from '#platform/log/kafka/relay-lag.ts'
import { openWire } from '#platform/log/kafka/schemas.ts'
import { withTopics } from '#platform/log/kafka/topics.ts'
import { openListener } from '#platform/pg/listen.ts'
import { openDb } from '#platform/pg/pool.ts'
import { databaseUrl, reach } from '#platform/pg/where.ts'
import { service, Trouble } from '#platform/service.ts'
import { lagMetrics } from '#projections/engine/lag-metrics.ts'
import { pruneNowAndThen } from './prune.ts'

export default service('relay', async (log, _, metrics) => {
  const settings = readSettings()
  const kafka = kafkaOptions(settings)
  if (!kafka) throw new Trouble('KAFKA_BROKERS is not set: without Kafka there is nothing to relay to')
  const wire = await openWire(settings)
  const url = databaseUrl(settings)
  const db = openDb(url, { name: 'vidwiz relay', max: 3, indexed: true })
  await reach(db)
  const replication = settings.KAFKA_REPLICATION
  const { created, states } = await withTopics(kafka, async (tools) => ({
    created: await tools.create(topics, { replication }),
    // Only to tell: what was made a moment ago is not known to every broker yet.
    states: await tools.describe(topics, { replication }).catch(() => []),
  }))
  if (created.length > 0) log.info({ topics: created }, 'created topics')
  // Made while a broker was missing, or by somebody else: it works, but history may be in danger.
  for (const sentence of states.flatMap((state) => state.drift)) log.warn(`a topic is not as it must be: ${sentence}`)
  const listener = openListener(url, { name: 'vidwiz relay' })
  lagMetrics(metrics, () => relayLag(db, topics))
  const relay = startRelay({ ...kafka, db, listener, wire, onError: (error) => log.warn({ error }, 'paused') })
  const stopPruning = pruneNowAndThen(db, settings.RELAY_KEEP_DAYS, log)
  return {
    works: () => reach(db),
    async stop() {
      await stopPruning()
      await relay.stop()
      await listener.close()
      await db.close()
    },
  }
})
