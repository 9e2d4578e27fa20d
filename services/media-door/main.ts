import { catalog, deciders } from '#events/catalog.ts'
import { topics } from '#events/topics.ts'
import { executor } from '#platform/log/commands/executor.ts'
import { ownerLog } from '#platform/log/consumers/owner-log.ts'
import { openOwner } from '#platform/log/consumers/owners.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { openObjects } from '#platform/objects/open.ts'
import { openExclusively } from '#platform/pg/exclusively.ts'
import { reach } from '#platform/pg/where.ts'
import { service } from '#platform/service.ts'
import { openSpell } from '#platform/telemetry/spell.ts'
import { openChanges } from '#projections/engine/changes.ts'
import { mediaView } from '#projections/media.ts'
import { jobsUnderWay } from '#projections/under-way.ts'
import { videoById } from '#projections/videos.ts'
import { connect } from '../kit/connections.ts'
import { CHANNEL, isOpen } from '../kit/door/where.ts'
import { attend } from './door.ts'
import { freeDoor } from './free.ts'

const name = 'media-door'

export default service(name, async (log, _, metrics) => {
  const { settings, url, db, listener, close } = await connect(name, log, { max: 4 })
  const told = ownerLog(log)
  // A frozen process holds the door's lock in another database, which has no table of owners: free it from here.
  const owner = openOwner({
    db,
    listener,
    service: name,
    ...told,
    onRelieved(frozen) {
      told.onRelieved?.(frozen)
      freeDoor(db, url).catch((error) => log.warn({ error }, 'the door was not freed'))
    },
  })
  const changes = openChanges(listener)
  const objects = await openObjects(settings)
  const locks = openExclusively(url, { name: `vidwiz ${name} lock` })
  const { execute, idle } = executor({ appender: appender(db), catalog, deciders, topics })
  const parked = metrics.counter({
    name: 'vidwiz_door_parked_total',
    help: 'Entries of workers that cannot be handled',
    labels: ['what'],
  })
  const attending = attend({
    db,
    databaseUrl: url,
    execute,
    objects,
    exclusively: locks.exclusively,
    bucket: settings.S3_BUCKET_NAME,
    watchUrl: settings.YOUTUBE_WATCH_URL,
    secondsOf: async (videoId) => secondsIn((await videoById(db, videoId))?.metadata),
    jobsUnderWay: () => jobsUnderWay(db),
    isOpen: () => isOpen(db),
    onChange(callback) {
      const offs = [changes.onMove([mediaView], callback), listener.on(CHANNEL, callback)]
      return () => {
        for (const off of offs) off()
      }
    },
    onParked({ n, what, video_id: videoId, job_id: jobId }, cause) {
      parked({ what })
      log.warn({ entry: n, what, videoId, jobId, cause }, 'an entry of a worker cannot be handled')
    },
    spell: openSpell(log),
  })
  return {
    works: () => reach(db),
    async stop() {
      await attending.stop()
      await idle()
      await owner.close()
      changes.close()
      await locks.close()
      await close()
      objects.close()
    },
  }
})

/** Length of a video according to YouTube, in seconds; undefined while it is live. @param metadata JSON text */
function secondsIn(metadata: string | null | undefined): number | undefined {
  const { duration } = JSON.parse(metadata ?? '{}') as { duration?: unknown }
  return typeof duration === 'number' && duration > 0 ? duration : undefined
}
