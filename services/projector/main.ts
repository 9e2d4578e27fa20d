import { readSettings } from '#platform/config/settings.ts'
import { ownerLog } from '#platform/log/consumers/owner-log.ts'
import { openOwner } from '#platform/log/consumers/owners.ts'
import { openReader } from '#platform/log/open.ts'
import { followClock } from '#platform/pg/clock.ts'
import { inWords } from '#platform/pg/holder.ts'
import { openListener } from '#platform/pg/listen.ts'
import { openDb } from '#platform/pg/pool.ts'
import { databaseUrl, reach } from '#platform/pg/where.ts'
import { service } from '#platform/service.ts'
import { stopping } from '#platform/stopping.ts'
import { StandingBy } from '#platform/telemetry/health.ts'
import { openSpell } from '#platform/telemetry/spell.ts'
import { lagOf } from '#projections/engine/lag.ts'
import { lagMetrics } from '#projections/engine/lag-metrics.ts'
import { startProjector } from '#projections/engine/projector.ts'
import { setupViews } from '#projections/engine/setup.ts'
import type { View } from '#projections/engine/view.ts'
import { views } from '#projections/index.ts'
import { keepToTimeline } from '#services/kit/timeline.ts'

const BUILD_AGAIN_MS = 60_000

export default service('projector', async (logger, _, metrics) => {
  const settings = readSettings()
  const url = databaseUrl(settings)
  // Not durable: a crash of the server may undo the last changes of views with their checkpoints, and they are derived again.
  const db = openDb(url, { name: 'vidwiz projector', durable: false, indexed: true, log: logger })
  await reach(db)
  const stopClock = followClock(db, logger)
  const listener = openListener(url, { name: 'vidwiz projector', log: logger })
  const { stop: leaveTimeline } = await keepToTimeline(db, listener, logger)
  const reader = openReader(settings, db, listener, 'vidwiz projector')
  lagMetrics(metrics, async () => (await Promise.all(views.map((view) => lagOf(view, { db, reader })))).flat())
  const owner = openOwner({ db, listener, service: 'projector', ...ownerLog(logger) })
  const setup = async () => {
    const failed: View[] = []
    const built = await setupViews(views, {
      db,
      reader,
      onProgress: (view, progress) => logger.info({ view: view.name, ...progress }, 'building a view'),
      onFailed(view, error) {
        failed.push(view)
        logger.error({ view: view.name, error }, 'cannot build a view: it stands still, and the others go on')
      },
    })
    if (built.length > 0) logger.info({ views: built }, 'built views')
    return failed.length === 0
  }
  const { stop: stopBuilding, stopped, pause } = stopping()
  const isBuilt = await setup()
  /** Somebody may bring the history back, or rebuild the view from elsewhere. */
  const building = (async () => {
    for (let isDone = isBuilt; !isDone && !stopped(); ) {
      await pause(BUILD_AGAIN_MS)
      if (stopped()) return
      isDone = await setup().catch((error) => {
        logger.warn({ error }, 'cannot build views')
        return false
      })
    }
  })()
  /** By view: the holder of its lock, when that is another process. */
  const held = new Map<string, string>()
  const spells = new Map(views.map((view) => [view.name, openSpell(logger, { view: view.name })]))
  const projector = startProjector({
    db,
    reader,
    views,
    owner,
    onParked: (view, { recorded: { stream, version, type, pos }, cause }) =>
      logger.error({ view: view.name, stream, version, type, pos, cause }, 'parked an event'),
    onStandBy: (view, why) => logger.warn({ view: view.name, misfit: why.misfit, why: why.message }, 'standing by'),
    onFit: (view) => logger.info({ view: view.name }, 'fits again, following'),
    onHeld(view, holder) {
      if (!holder) return void held.delete(view.name)
      const words = `the lock is held by ${inWords(holder)}`
      held.set(view.name, words)
      logger.info({ view: view.name, holder }, `another process keeps it up to date: ${words}`)
    },
    onApplied: (view) => spells.get(view.name)!.worked(),
    onError: (view, error) => spells.get(view.name)!.failed(error),
  })
  return {
    async works() {
      await reach(db)
      const why = projector.standsBy()
      if (why.length > 0) throw new StandingBy(why.map(({ message }) => message).join('; '))
      return [...held].map(([view, by]) => `view ${view}: ${by}`).join('; ')
    },
    async stop() {
      leaveTimeline()
      stopBuilding()
      await building
      await projector.stop()
      await owner.close()
      await reader.close()
      await listener.close()
      stopClock()
      await db.close()
    },
  }
})
