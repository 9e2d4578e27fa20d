import { catalog, deciders } from '#events/catalog.ts'
import { topics } from '#events/topics.ts'
import { dataFolder } from '#platform/config/data-folder.ts'
import { secrets } from '#platform/config/secrets.ts'
import { readSettings } from '#platform/config/settings.ts'
import { serve } from '#platform/http/serve.ts'
import { executor } from '#platform/log/executor.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { openListener } from '#platform/pg/listen.ts'
import { openDb } from '#platform/pg/pool.ts'
import { databaseUrl, reach } from '#platform/pg/where.ts'
import { runService, Trouble } from '#platform/service.ts'
import { openWaiter } from '#projections/engine/wait.ts'
import { views } from '#projections/index.ts'
import { createApp } from './app.ts'
import { forgetOldKeys } from './forget-old-keys.ts'

/** Well within the time that a stop may take: what hangs then is cut, and all else still ends in order. */
const FINISH_MS = 10_000

await runService('api', async (log) => {
  const settings = readSettings()
  const url = databaseUrl(settings)
  const db = openDb(url, { name: 'vidwiz api', indexed: true })
  await reach(db)
  const listener = openListener(url, { name: 'vidwiz api' })
  const waiter = openWaiter(db, listener, views)
  const { execute, idle } = executor({ appender: appender(db), catalog, deciders, topics })
  const { handler } = createApp({
    execute,
    visible: waiter.visible,
    db,
    log,
    secretKey: settings.SECRET_KEY ?? secrets(dataFolder(settings.VIDWIZ_DATA)).SECRET_KEY,
    jwtExpiryHours: settings.JWT_EXPIRY_HOURS,
    bodyLimitBytes: settings.MAX_BODY_BYTES,
  })
  await listener.ready()
  const stopForgetting = forgetOldKeys(db, log)
  const server = await serve(handler, { port: settings.PORT, host: settings.HOST, finishMs: FINISH_MS }).catch(
    (error: NodeJS.ErrnoException) => {
      throw new Trouble(
        error.code === 'EADDRINUSE'
          ? `port ${settings.PORT} is in use; set PORT to another one`
          : `cannot listen: ${error.message}`,
      )
    },
  )
  log.info({ port: server.port }, 'listening')
  return {
    async stop() {
      await server.close()
      stopForgetting()
      await idle()
      waiter.close()
      await listener.close()
      await db.close()
    },
  }
})
