import { catalog, deciders } from '#events/catalog.ts'
import { usualPolicy } from '#events/task.ts'
import { topics } from '#events/topics.ts'
import { dataFolder } from '#platform/config/data-folder.ts'
import { secrets } from '#platform/config/secrets.ts'
import { addressOf } from '#platform/http/client-address.ts'
import { serve } from '#platform/http/server.ts'
import { openLlm } from '#platform/llm/open.ts'
import { executor } from '#platform/log/commands/executor.ts'
import { lagOf } from '#platform/log/consumers/lag.ts'
import { kafkaOptions } from '#platform/log/kafka/options.ts'
import { relayLag } from '#platform/log/kafka/relay-lag.ts'
import { openReader } from '#platform/log/open.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { probeAppend } from '#platform/log/postgres/probe.ts'
import { openObjects } from '#platform/objects/open.ts'
import { remoteKeys } from '#platform/oidc/keys.ts'
import { boundsOf } from '#platform/pg/bounds.ts'
import { openExclusively } from '#platform/pg/exclusively.ts'
import { reach } from '#platform/pg/where.ts'
import { OperatorError, service } from '#platform/service.ts'
import { youtubeSearch } from '#platform/youtube/search.ts'
import { openChanges } from '#projections/engine/changes.ts'
import { openWaiter } from '#projections/engine/wait.ts'
import { views } from '#projections/index.ts'
import { connect } from '#services/kit/connections.ts'
import { createApp } from './app.ts'
import { googleCredentials } from './auth/google.ts'
import { titleFinder } from './by-title.ts'
import { tagWithEpoch } from './etag.ts'
import { forgetOld } from './forget-old.ts'
import { countsOf, rulesOf } from './limits.ts'
import { giveUpAbandoned } from './wiz/abandoned.ts'

/** Well within the time that a stop may take: requests that hang are cut, and the rest of the stop still runs. */
const FINISH_MS = 10_000
/** A client that is about to reuse its connection, on a busy machine, still gets an answer instead of a reset. */
const LINGER_MS = 1_000
/** Before FINISH_MS, so that listeners learn that their reply was given up. */
const REPLIES_MS = 8_000

const IGNORED = 'X-Forwarded-For is ignored, so all clients of a proxy share its limits: TRUST_PROXY says which proxies to trust'

export default service('api', async (log, _, metrics) => {
  const { settings, url, db, listener, timeline, close } = await connect('api', log, { bounds: boundsOf })
  const alone = openExclusively(url, { name: 'vidwiz api, alone' })
  tagWithEpoch(timeline.epoch)
  // The relay checks this as well; until it has, nothing must be appended to a log that was restored to an earlier state.
  const kafka = kafkaOptions(settings)
  if (kafka) {
    const { assertKafkaAgrees } = await import('#platform/log/kafka/agreement.ts')
    await assertKafkaAgrees(kafka, { db, topics }).catch((error) => log.warn({ error }, 'not compared with Kafka'))
  }
  const waiter = openWaiter(db, listener, views)
  const changes = openChanges(listener)
  const reader = await openReader(settings, db, listener, 'vidwiz api')
  const { execute, idle } = executor({ appender: appender(db), catalog, deciders, topics })
  const own = () => secrets(dataFolder(settings.VIDWIZ_DATA))
  const objects = await openObjects(settings)
  const { GOOGLE_CLIENT_ID: clientId, GOOGLE_CERTS_URL: certsUrl } = settings
  const { YOUTUBE_API_KEY: youtubeKey, YOUTUBE_API_URL: youtubeUrl } = settings
  const counts = settings.RATE_LIMIT_DISABLED ? undefined : countsOf(db, log)
  const replyMs = settings.WIZ_REPLY_SECONDS * 1000
  const { handler, wiz } = createApp({
    execute,
    waiter,
    lost: timeline.lost,
    db,
    exclusively: alone.exclusively,
    changes,
    log,
    secretKey: settings.SECRET_KEY ?? own().SECRET_KEY,
    adminToken: settings.ADMIN_TOKEN ?? own().ADMIN_TOKEN,
    objects,
    taskPolicy: { ...usualPolicy, leaseMs: settings.TASK_LEASE_SECONDS * 1_000, restMs: settings.TASK_COOLDOWN_SECONDS * 1_000 },
    readGoogleCredential: clientId ? googleCredentials({ clientId, keys: remoteKeys({ url: certsUrl, log }) }) : undefined,
    findByTitle: youtubeKey ? titleFinder({ search: youtubeSearch({ url: youtubeUrl, key: youtubeKey }), log }) : undefined,
    aiNotesAtSignUp: settings.AI_NOTES_AT_SIGN_UP,
    limits: counts && { rules: rulesOf(settings), counts },
    addressOf: addressOf(settings.TRUST_PROXY, settings.ENVIRONMENT === 'local' ? undefined : () => log.warn(IGNORED)),
    wiz: {
      llm: await openLlm(settings),
      quotas: { user: settings.WIZ_USER_DAILY_QUOTA, guest: settings.WIZ_GUEST_DAILY_QUOTA },
      replyMs,
    },
    media: { quota: settings.STUDY_USER_DAILY_QUOTA, silenceMs: settings.MEDIA_SILENCE_MINUTES * 60_000 },
    jwtExpiryHours: settings.JWT_EXPIRY_HOURS,
    bodyLimitBytes: settings.MAX_BODY_BYTES,
    metrics,
    async lag() {
      const relay = kafka ? [relayLag(db, topics)] : []
      return (await Promise.all([...relay, ...views.map((view) => lagOf(view, { db, reader }))])).flat()
    },
    describesItself: settings.ENVIRONMENT !== 'production',
  })
  await listener.ready()
  const stopForgetting = forgetOld(db, log)
  const stopGivingUp = giveUpAbandoned({ db, execute, log }, replyMs)
  const server = await serve(handler, {
    port: settings.PORT,
    host: settings.HOST,
    lingerMs: LINGER_MS,
    finishMs: FINISH_MS,
  }).catch((error: NodeJS.ErrnoException) => {
    throw new OperatorError(
      error.code === 'EADDRINUSE'
        ? `port ${settings.PORT} is in use; set PORT to another one`
        : `cannot listen: ${error.message}`,
    )
  })
  log.info({ port: server.port }, 'listening')
  return {
    works: async () => {
      await reach(db)
      await probeAppend(db)
    },
    async stop() {
      wiz.replies?.stop(REPLIES_MS)
      await server.close()
      // Also finishes replies without a listener.
      await wiz.replies?.idle()
      stopForgetting()
      await stopGivingUp()
      await idle()
      waiter.close()
      changes.close()
      await reader.close()
      objects.close()
      await counts?.close()
      await alone.close()
      await close()
    },
  }
})
