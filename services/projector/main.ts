import { readSettings } from '#platform/config/settings.ts'
import { openReader } from '#platform/log/open.ts'
import { openListener } from '#platform/pg/listen.ts'
import { openDb } from '#platform/pg/pool.ts'
import { databaseUrl, reach } from '#platform/pg/where.ts'
import { service } from '#platform/service.ts'
import { lagOf } from '#projections/engine/lag.ts'
import { lagMetrics } from '#projections/engine/lag-metrics.ts'
import { startProjector } from '#projections/engine/projector.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { views } from '#projections/index.ts'

export default service('projector', async (logger, _, metrics) => {
  const settings = readSettings()
  const url = databaseUrl(settings)
  // Views can be derived again: a crash of the server may take back the last of them together with their checkpoints.
  const db = openDb(url, { name: 'vidwiz projector', durable: false, indexed: true })
  await reach(db)
  const listener = openListener(url, { name: 'vidwiz projector' })
  const reader = openReader(settings, db, listener, 'vidwiz projector')
  lagMetrics(metrics, async () => (await Promise.all(views.map((view) => lagOf(view, { db, reader })))).flat())
  const built = await setupViews(views, {
    db,
    reader,
    onProgress: (view, progress) => logger.info({ view: view.name, ...progress }, 'building a view'),
  })
  if (built.length > 0) logger.info({ views: built }, 'built views')
  const projector = startProjector({
    db,
    reader,
    views,
    onParked: (view, { recorded: { stream, version, type, pos }, cause }) =>
      logger.error({ view: view.name, stream, version, type, pos, cause }, 'parked an event'),
    onError: (view, error) => logger.warn({ view: view.name, error }, 'paused'),
  })
  return {
    works: () => reach(db),
    async stop() {
      await projector.stop()
      await reader.close()
      await listener.close()
      await db.close()
    },
  }
})
