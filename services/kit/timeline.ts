import { examined, REMEDY, type Timeline, watchTimeline } from '#platform/log/timeline.ts'
import type { Listener } from '#platform/pg/listen.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { Logger } from '#platform/telemetry/logger.ts'

/**
 * Logs when the log is halted. Stops this process when the log was restored, because its memory of the log is wrong then;
 * its supervisor starts it again.
 */
export async function keepToTimeline(
  db: Queryable,
  listener: Listener,
  log: Logger,
): Promise<{ timeline: Timeline; stop(): void }> {
  const timeline = await examined(db)
  const { id, epoch, halted } = timeline
  if (halted !== null) log.error({ why: halted, remedy: REMEDY }, 'the log is halted: nothing can be appended')
  const stop = watchTimeline(db, listener, {
    known: { id, epoch },
    onHalt: (why) => log.error({ why, remedy: REMEDY }, 'the log is halted: nothing can be appended'),
    onChange: (now) => {
      log.warn({ was: { id, epoch }, now: { id: now.id, epoch: now.epoch } }, 'the log was restored: restarting')
      process.kill(process.pid, 'SIGTERM')
    },
  })
  return { timeline, stop }
}
