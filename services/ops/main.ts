import { catalog, deciders } from '#events/catalog.ts'
import { topics } from '#events/topics.ts'
import { serve } from '#platform/http/server.ts'
import { sharedCounts } from '#platform/limits/counts.ts'
import { countInPostgres } from '#platform/limits/postgres.ts'
import { executor } from '#platform/log/commands/executor.ts'
import { openReader } from '#platform/log/open.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { boundsOf } from '#platform/pg/bounds.ts'
import { reach } from '#platform/pg/where.ts'
import { OperatorError, service } from '#platform/service.ts'
import { connect } from '#services/kit/connections.ts'
import { openLooking } from '#services/operations/looking.ts'
import { openSampler } from '#services/operations/sampler.ts'
import { accessOf } from './access.ts'
import { createApp } from './app.ts'
import { attemptsOf } from './attempts.ts'
import { keptSessions } from './kept-sessions.ts'
import { lookMetrics } from './look-metrics.ts'
import { endReplays } from './replaying.ts'
import { endRuns } from './runs.ts'

/** An operation may move many parked events in one statement. */
const OPERATION_MS = 60_000
/** Time for requests in progress to finish; streams end at once. */
const FINISH_MS = 5_000

export default service('ops', async (log, _, metrics) => {
  const {
    settings,
    db,
    listener,
    close: disconnect,
  } = await connect('ops', log, {
    max: 6,
    bounds: (settings) => boundsOf(settings, OPERATION_MS),
  })
  const reader = await openReader(settings, db, listener, 'vidwiz ops')
  const { execute, idle } = executor({ appender: appender(db), catalog, deciders, topics })
  const sampler = openSampler(openLooking({ db, reader, settings }))
  lookMetrics(metrics, () => sampler.latest(), { db, keepDays: settings.RELAY_KEEP_DAYS })
  if (!accessOf(settings).isOpen) {
    log.warn('the page for operators is off: set OPS_PASSWORD or OPS_TOKENS; the figures for Prometheus are served anyway')
    return {
      works: () => reach(db),
      async stop() {
        sampler.close()
        await reader.close()
        await disconnect()
      },
    }
  }
  const keeper = keptSessions(db, log)
  const access = accessOf(settings, { kept: await keeper.read(), keeper })
  const counts = sharedCounts({ exchange: countInPostgres(db), log })
  const attempts = attemptsOf(counts)
  const handler = createApp({
    settings,
    env: process.env,
    db,
    listener,
    reader,
    execute,
    sampler,
    access,
    attempts,
    log,
    metrics,
  })
  const close = async () => {
    await Promise.all([endRuns(), endReplays()])
    await idle()
    await keeper.idle()
    await counts.close()
    await reader.close()
    await disconnect()
  }
  const server = await serve(handler, { port: settings.OPS_PORT, host: settings.HOST, finishMs: FINISH_MS }).catch(
    async (error: NodeJS.ErrnoException) => {
      await close()
      throw new OperatorError(
        error.code === 'EADDRINUSE'
          ? `the page for operators is not served: port ${settings.OPS_PORT} is in use; set OPS_PORT to another one`
          : `the page for operators is not served: cannot listen on ${settings.HOST}:${settings.OPS_PORT} (${error.code})`,
      )
    },
  )
  log.info({ port: server.port }, 'listening')
  return {
    works: () => reach(db),
    async stop() {
      sampler.close()
      await server.close()
      await close()
    },
  }
})
