import { topics } from '#events/topics.ts'
import { readSettings } from '#platform/config/settings.ts'
import { lagMetrics } from '#platform/log/consumers/lag-metrics.ts'
import { ownerLog } from '#platform/log/consumers/owner-log.ts'
import { openOwner } from '#platform/log/consumers/owners.ts'
import { kafkaOptions } from '#platform/log/kafka/options.ts'
import { startRelay } from '#platform/log/kafka/relay.ts'
import { relayLag } from '#platform/log/kafka/relay-lag.ts'
import { openWire } from '#platform/log/kafka/schemas.ts'
import { withTopics } from '#platform/log/kafka/topics.ts'
import { reach } from '#platform/pg/where.ts'
import { OperatorError, service } from '#platform/service.ts'
import { connect } from '#services/kit/connections.ts'
import { pruneNowAndThen } from './prune.ts'

export default service('relay', async (log, _, metrics) => {
  const settings = readSettings()
  const kafka = kafkaOptions(settings)
  if (!kafka) throw new OperatorError('KAFKA_BROKERS is not set: without Kafka there is nothing to relay to')
  const wire = await openWire(settings)
  const { db, listener, close } = await connect('relay', log, { max: 3 })
  const replication = settings.KAFKA_REPLICATION
  const { created, states } = await withTopics(kafka, async (tools) => ({
    created: await tools.create(topics, { replication }),
    // Only for the warnings: some brokers may not know the new topics yet.
    states: await tools.describe(topics, { replication }).catch(() => []),
  }))
  if (created.length > 0) log.info({ topics: created }, 'created topics')
  // Created while a broker was missing, or by hand: it works, but its history may be at risk.
  for (const sentence of states.flatMap((state) => state.drift)) log.warn(`a topic is not as it must be: ${sentence}`)
  lagMetrics(metrics, () => relayLag(db, topics))
  const owner = openOwner({ db, listener, service: 'relay', ...ownerLog(log) })
  const relay = startRelay({
    ...kafka,
    db,
    listener,
    topics,
    wire,
    owner,
    onRelieved: (relieved) =>
      log.warn(relieved, 'relieved a relay: it published nothing though there was something to publish, so its lease was taken'),
  })
  const stopPruning = pruneNowAndThen(db, settings.RELAY_KEEP_DAYS, log)
  return {
    works: () => reach(db),
    async stop() {
      await stopPruning()
      await relay.stop()
      await owner.close()
      await close()
    },
  }
})
