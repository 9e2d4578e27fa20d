import { type Bell, openBell } from '#platform/bell.ts'
import { untilAborted } from '#platform/deadline.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { backoffMs, type Stopping, stopping } from '#platform/stopping.ts'
import type { Spell } from '#platform/telemetry/spell.ts'
import { turns } from '#platform/turns.ts'
import type { JobUnderWay } from '#projections/under-way.ts'
import { updateDoor } from '../kit/door/make.ts'
import { CHANNEL, doorOf } from '../kit/door/where.ts'
import { type Entry, filesBefore, identityOf, newEntries, settle } from './entries.ts'
import { DOOR_LOCK } from './free.ts'
import { type Handling, handle } from './handle.ts'
import { show, tellShown } from './shows.ts'

export interface DoorOptions extends Omit<Handling, 'identity' | 'filesBefore'> {
  /** VidWiz's database, and its URL. */
  db: Db
  databaseUrl: string
  watchUrl: string
  jobsUnderWay(): Promise<{ jobs: JobUnderWay[]; isWhole: boolean }>
  /** Calls back when jobs may have changed, or the door was opened or closed. Returns a function that stops it. */
  onChange(callback: () => void): () => void
  isOpen(): Promise<boolean>
  /** Called with each parked entry. */
  onParked(entry: Entry, cause: string): void
  spell: Spell
  /** Maximum time between two looks, in case a notification was lost. */
  everyMs?: number
}

/** Videos processed concurrently; some of them wait for S3. */
const AT_ONCE = 4
const MOST = 500
const EVERY_MS = 10_000
/** Pause while a view is behind another one, and minimum pause between two checks whether the door is open and its lock is free. */
const SOON_MS = 250
/** Minimum pause between two looks for entries, however often workers write. */
const PAUSE_MS = 20

/**
 * Serves the door (the database in which workers without HTTP find jobs and write results) while it is open. Any number of
 * processes may run this; one at a time holds the lock and works.
 */
export function attend(options: DoorOptions): { stop(): Promise<void> } {
  const { everyMs = EVERY_MS, spell } = options
  const end = stopping()
  const bell = openBell()
  const off = options.onChange(bell.ring)

  async function run() {
    let failures = 0
    while (!end.stopped()) {
      try {
        bell.hush()
        if (await options.isOpen()) await behind(options, { bell, end })
        failures = 0
        spell.worked()
        await end.pause(SOON_MS)
        if (!end.stopped()) await bell.wait(everyMs)
      } catch (error) {
        if (end.stopped()) return
        spell.failed(error)
        await end.pause(backoffMs(++failures))
      }
    }
  }
  const running = run()
  return {
    async stop() {
      off()
      end.stop()
      bell.ring()
      await running
    },
  }
}

/** Serves the door. Returns when it is closed or another process has the lock. */
async function behind(options: DoorOptions, { bell, end }: { bell: Bell; end: Stopping }) {
  const { db, databaseUrl, everyMs = EVERY_MS, spell } = options
  const { url } = doorOf(databaseUrl)
  const door = openDb(url, { name: 'vidwiz media-door', max: AT_ONCE + 1 })
  const listener: Listener = openListener(url, { name: 'vidwiz media-door' })
  let isOurs = true
  try {
    await untilAborted(AbortSignal.any([end.signal, AbortSignal.timeout(everyMs)]), listener.ready())
    const lock = await listener.lock(DOOR_LOCK, () => {
      isOurs = false
      bell.ring()
    })
    if (!lock) return
    await updateDoor(databaseUrl)
    const off = listener.on(CHANNEL, bell.ring)
    const handling = { ...options, identity: await identityOf(door), filesBefore: (entry: Entry) => filesBefore(door, entry) }
    let failures = 0
    while (isOurs && !end.stopped() && (await options.isOpen())) {
      bell.hush()
      const failed = await take()
      const { jobs, isWhole } = await options.jobsUnderWay()
      await tellShown(db, await show(door, jobs, options.watchUrl))
      failures = failed.length === 0 ? 0 : failures + 1
      if (failed.length > 0) spell.failed(failed[0])
      else spell.worked()
      await end.pause(failures > 0 ? backoffMs(failures) : PAUSE_MS)
      // The stop or the loss of the lock may have rung before the bell was hushed.
      if (failures === 0 && isOurs && !end.stopped()) await bell.wait(isWhole ? everyMs : SOON_MS)
    }
    off()
    await lock.release()

    /** Processes new entries, in order for each video. Returns the errors; an error keeps later entries of its video waiting. */
    async function take(): Promise<unknown[]> {
      const byVideo = Map.groupBy(await newEntries(door, MOST), ({ video_id }) => video_id)
      const inTurn = turns(AT_ONCE)
      const outcomes = await Promise.allSettled([...byVideo.values()].map((entries) => inTurn(() => inOrder(entries))))
      return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    }

    async function inOrder(entries: Entry[]) {
      for (const entry of entries) {
        if (!isOurs || end.stopped()) return
        const handled = await handle(entry, handling)
        await settle(door, entry.n, handled)
        if (handled.cause !== undefined) options.onParked(entry, handled.cause)
      }
    }
  } finally {
    await listener.close()
    await door.close()
  }
}
