import { openBell } from '#platform/bell.ts'
import { consuming } from '#platform/log/consumers/consuming.ts'
import { type Owner, toldTo } from '#platform/log/consumers/owners.ts'
import type { Parked } from '#platform/log/consumers/parked.ts'
import type { Follower, Following, Reader } from '#platform/log/port.ts'
import type { Holder } from '#platform/pg/holder.ts'
import type { Db } from '#platform/pg/pool.ts'
import { stopping } from '#platform/stopping.ts'
import { span } from '#platform/telemetry/tracing/tracing.ts'
import { applier } from './apply.ts'
import { Unfit, unfit, unfitOf } from './fit.ts'
import { liveOf } from './table.ts'
import type { View } from './view.ts'

export interface ProjectorOptions {
  db: Db
  reader: Reader
  views: readonly View[]
  /** This process, as shown to operators. */
  owner?: Owner
  /** Called for each parked event. */
  onParked?(view: View, parked: Parked): void
  /** Called once for each other process that keeps a view up to date instead, and with undefined when this one takes over. */
  onHeld?(view: View, holder: Holder | undefined): void
  /** Called for every error that makes a view pause. The view resumes by itself. */
  onError?(view: View, error: unknown): void
  /** Called once when a view is left alone because its live table does not fit this code. */
  onStandBy?(view: View, why: Unfit): void
  /** Called when such a view fits again and is followed. */
  onFit?(view: View): void
}

export interface Projector {
  /** Views that this process currently leaves alone, with the reason. */
  standsBy(): readonly Unfit[]
  stop(): Promise<void>
}

/** How often the versions and columns of the live tables are checked. */
const LOOK_MS = 1_000

/**
 * Keeps views up to date until stopped. Any number of projectors may run: one owns a view, the others stand by.
 *
 * A projector does not follow a view whose live table does not fit this code (another version or other columns). On Kafka, a
 * member that only paused would keep its partitions from a process that fits. It follows the view as soon as it fits.
 */
export function startProjector(options: ProjectorOptions): Projector {
  const { db, views } = options
  const { stopped, stop } = stopping()
  const bell = openBell()
  const kept = views.map((view) => keeper(view, options, bell.ring))

  async function watch() {
    while (!stopped()) {
      bell.hush()
      try {
        const found = await unfitOf(db, views)
        if (!stopped()) for (const one of kept) one.look(found.get(one.view.name))
      } catch (error) {
        for (const one of kept) one.unseen(error)
      }
      await bell.wait(LOOK_MS)
    }
  }

  const watcher = watch()
  return {
    standsBy: () => kept.flatMap((one) => one.why() ?? []),
    async stop() {
      stop()
      bell.ring()
      await watcher
      await Promise.all(kept.map((one) => one.leave()))
    },
  }
}

/** Follows one view while it fits. `lookNow` asks for an immediate check of all views. */
function keeper(
  view: View,
  { db, reader, owner, onParked, onHeld, onError, onStandBy, onFit }: ProjectorOptions,
  lookNow: () => void,
) {
  let following: Following | undefined
  let leaving: Promise<void> | undefined
  let why: Unfit | undefined

  const { resume, handle } = applier(db, liveOf(view), { onParked: (parked) => onParked?.(view, parked), owner: owner?.id })
  const refuseUnfit = async () => {
    const found = await unfit(db, view)
    if (found) throw found
  }
  const follower: Follower = {
    consumer: view.name,
    topic: view.topic,
    handle: (batch) =>
      span(
        () => consuming('project', { consumer: view.name, topic: view.topic.name }, batch),
        () => handle(batch),
      ),
    async resume(partitions) {
      // Before the takeover: code that does not fit the table must not fence an owner that fits.
      await refuseUnfit()
      const positions = await resume(partitions)
      // And after it, in case of a swap in between. A swap after this check raises the epoch, which fences this process.
      await refuseUnfit()
      onHeld?.(view, undefined)
      return positions
    },
    onStandby: (holder) => onHeld?.(view, holder),
    onError: (error) => (error instanceof Unfit ? lookNow() : onError?.(view, error)),
  }

  function leave(): Promise<void> {
    if (following)
      leaving = following.stop().finally(() => {
        leaving = undefined
      })
    following = undefined
    return leaving ?? Promise.resolve()
  }

  return {
    view,
    why: () => why,
    leave,
    look(found: Unfit | undefined) {
      if (found) {
        void leave()
        owner?.leaves(view.name, view.topic.name, found)
        if (found.message !== why?.message) onStandBy?.(view, found)
        why = found
        return
      }
      if (following || leaving) return
      if (why) {
        owner?.follows(view.name, view.topic.name)
        onFit?.(view)
      }
      why = undefined
      following = reader.follow(toldTo(owner, view.name, follower, { isReported: (error) => error instanceof Unfit }))
    },
    /** The live tables could not be checked. A view that is followed notices the database error by itself. */
    unseen(error: unknown) {
      if (following || why) return
      owner?.paused(view.name, view.topic.name, error)
      onError?.(view, error)
    },
  }
}
