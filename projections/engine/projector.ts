import type { Parked } from '#platform/log/parked.ts'
import type { Reader } from '#platform/log/port.ts'
import type { Db } from '#platform/pg/pool.ts'
import { applier } from './apply.ts'
import { liveOf } from './table.ts'
import { liveVersion } from './versions.ts'
import type { View } from './view.ts'

export interface ProjectorOptions {
  db: Db
  reader: Reader
  views: readonly View[]
  /** Told of each event that had to be parked. */
  onParked?(view: View, parked: Parked): void
  /** Told of every error that made a view pause; it goes on by itself. */
  onError?(view: View, error: unknown): void
}

/** Keeps views up to date for as long as it runs. Any number may run: one owns a view, the others stand by. */
export function startProjector({ db, reader, views, onParked, onError }: ProjectorOptions): { stop(): Promise<void> } {
  const following = views.map((view) => {
    const { resume, handle } = applier(db, liveOf(view), (parked) => onParked?.(view, parked))
    return reader.follow({
      consumer: view.name,
      topic: view.topic,
      handle,
      // Seen after the takeover: a swap raises the epoch, so a version that changes later fences us.
      async resume(partitions) {
        const positions = await resume(partitions)
        const version = await liveVersion(db, view)
        if (version !== view.version)
          throw new Error(
            `view ${view.name} is ${version ? `live in version ${version}` : 'not set up'}; this process knows version ${view.version}`,
          )
        return positions
      },
      onError: (error) => onError?.(view, error),
    })
  })
  return { stop: async () => void (await Promise.all(following.map((one) => one.stop()))) }
}
