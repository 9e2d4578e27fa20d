import type { Reader } from '#platform/log/port.ts'
import type { Db } from '#platform/pg/pool.ts'
import type { Progress } from './progress.ts'
import { rebuild } from './rebuild.ts'
import { liveVersion } from './versions.ts'
import type { View } from './view.ts'

export interface SetupOptions {
  db: Db
  reader: Reader
  onProgress?(view: View, progress: Progress): void
}

/**
 * Makes every view ready to be read and followed: one that was never built, or is live in another version than the code's,
 * is rebuilt. Any number of processes may do this at once.
 * @returns the names of the views that were built
 */
export async function setupViews(views: readonly View[], { db, reader, onProgress }: SetupOptions): Promise<string[]> {
  const built: string[] = []
  for (const view of views) {
    const needed = async () => (await liveVersion(db, view)) !== view.version
    if (!(await needed())) continue
    const done = await rebuild(view, { db, reader, queue: true, needed, onProgress: (progress) => onProgress?.(view, progress) })
    if (done) built.push(view.name)
  }
  return built
}
