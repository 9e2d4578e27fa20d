import { atMost } from '#platform/deadline.ts'
import { lagOf } from '#platform/log/consumers/lag.ts'
import { lagMetrics } from '#platform/log/consumers/lag-metrics.ts'
import { ownerLog } from '#platform/log/consumers/owner-log.ts'
import { openOwner } from '#platform/log/consumers/owners.ts'
import { openReader } from '#platform/log/open.ts'
import { inWords } from '#platform/pg/holder.ts'
import { reach } from '#platform/pg/where.ts'
import { service } from '#platform/service.ts'
import { type Backoff, backoffMs, stopping } from '#platform/stopping.ts'
import { StandingBy } from '#platform/telemetry/health.ts'
import { startProjector } from '#projections/engine/projector.ts'
import { setupViews } from '#projections/engine/setup.ts'
import type { View } from '#projections/engine/view.ts'
import { views } from '#projections/index.ts'
import { connect } from '#services/kit/connections.ts'
import { replayThreads } from '#services/kit/replay-threads.ts'

/** Within the time that a stop may take. */
const END_BUILD_MS = 5_000
/** The pauses between attempts to build views whose history does not allow it. */
const BUILD_AGAIN: Backoff = { firstMs: 60_000, longestMs: 15 * 60_000 }

export default service('projector', async (logger, _, metrics) => {
  // Not durable: a crash of the server may undo the last changes of views with their checkpoints, and they are derived again.
  const { settings, db, listener, close } = await connect('projector', logger, { durable: false })
  const reader = await openReader(settings, db, listener, 'vidwiz projector')
  lagMetrics(metrics, async () => (await Promise.all(views.map((view) => lagOf(view, { db, reader })))).flat())
  const owner = openOwner({ db, listener, service: 'projector', ...ownerLog(logger) })
  const { signal, stop: stopBuilding, stopped, pause } = stopping()
  const told = new Map<View, string>()
  const setup = async () => {
    const failed: View[] = []
    const built = await setupViews(views, {
      db,
      reader,
      threads: replayThreads(settings),
      signal,
      onProgress: (view, progress) => logger.info({ view: view.name, ...progress }, 'building a view'),
      onFailed(view, error) {
        failed.push(view)
        if (told.get(view) === (error as Error).message) return
        told.set(view, (error as Error).message)
        logger.error({ view: view.name, error }, 'cannot build a view: it stays as it is, and the others continue')
      },
    })
    if (built.length > 0) logger.info({ views: built }, 'built views')
    return failed.length === 0
  }
  const isBuilt = await setup()
  /** An operator may restore the history, or rebuild the view from another machine. */
  const building = (async () => {
    let isDone = isBuilt
    for (let failures = 1; !isDone; failures++) {
      await pause(backoffMs(failures, BUILD_AGAIN))
      if (stopped()) return
      isDone = await setup().catch((error) => {
        if (!stopped()) logger.warn({ error }, 'cannot build views')
        return stopped()
      })
    }
  })()
  /** By view: the holder of its lock, when that is another process. */
  const held = new Map<string, string>()
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
  })
  return {
    async works() {
      await reach(db)
      const why = projector.standsBy()
      if (why.length > 0) throw new StandingBy(why.map(({ message }) => message).join('; '))
      return [...held].map(([view, by]) => `view ${view}: ${by}`).join('; ')
    },
    async stop() {
      stopBuilding()
      // A build may wait for the lock of another process; it ends with its connection.
      await Promise.all([atMost(END_BUILD_MS, building), projector.stop()])
      await owner.close()
      await reader.close()
      await close()
    },
  }
})
