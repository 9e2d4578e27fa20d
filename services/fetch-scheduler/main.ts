import { catalog, deciders } from '#events/catalog.ts'
import { usualPolicy } from '#events/task.ts'
import { topics } from '#events/topics.ts'
import { readSettings } from '#platform/config/settings.ts'
import { openReader } from '#platform/log/open.ts'
import { startReactor } from '#platform/log/reactor/start.ts'
import { openListener } from '#platform/pg/listen.ts'
import { openDb } from '#platform/pg/pool.ts'
import { databaseUrl, reach } from '#platform/pg/where.ts'
import { service } from '#platform/service.ts'
import { lagOf } from '#projections/engine/lag.ts'
import { lagMetrics } from '#projections/engine/lag-metrics.ts'
import { fetchScheduler } from './reactor.ts'

export default service('fetch-scheduler', async (log, _, metrics) => {
  const settings = readSettings()
  const url = databaseUrl(settings)
  const db = openDb(url, { name: 'vidwiz fetch-scheduler', max: 4, indexed: true })
  await reach(db)
  const listener = openListener(url, { name: 'vidwiz fetch-scheduler' })
  const reader = openReader(settings, db, listener, 'vidwiz fetch-scheduler')
  const policy = { ...usualPolicy, restMs: settings.TASK_COOLDOWN_SECONDS * 1_000 }
  const reactor = fetchScheduler(policy)
  const { name } = reactor
  lagMetrics(metrics, async () =>
    (await Promise.all(reactor.topics.map((topic) => lagOf({ name, topic }, { db, reader })))).flat(),
  )
  const scheduler = startReactor(reactor, {
    db,
    reader,
    catalog,
    deciders,
    topics,
    listener,
    onParked: ({ recorded: { stream, version, type, pos }, cause }) =>
      log.error({ stream, version, type, pos, cause }, 'parked an event'),
    onError: (error) => log.warn({ error }, 'paused'),
  })
  return {
    works: () => reach(db),
    async stop() {
      await scheduler.stop()
      await reader.close()
      await listener.close()
      await db.close()
    },
  }
})
