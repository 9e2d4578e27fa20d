import { newId } from '#platform/log/new-id.ts'
import { OperatorError } from '#platform/operator-error.ts'
import { isUnavailable } from '#platform/pg/errors.ts'
import type { Db } from '#platform/pg/pool.ts'
import { unreadable } from './fit.ts'
import type { Source } from './loads.ts'
import type { Progress } from './progress.ts'
import { rebuild, type Shared } from './rebuild.ts'
import { ReplayStopped } from './replay-stopped.ts'
import { PROJECTOR } from './replays.ts'
import { type Telling, telling } from './telling.ts'
import { rebuildTogether } from './together.ts'
import { isBehind } from './versions.ts'
import type { View } from './view.ts'

export interface SetupOptions extends Source {
  db: Db
  onProgress?(view: View, progress: Progress): void
  /** Ends a build before its swap. */
  signal?: AbortSignal
  /** Called with each view that its history does not allow to build; the others are built. Without it the first such error is thrown. */
  onFailed?(view: View, error: unknown): void
}

/**
 * Makes every view ready to be read and followed. A view that was never built, or is live in an older version than this
 * code's, is rebuilt. A view that is live in a newer version is left alone, because newer code owns it. Several
 * processes may call this at once. The topic of several views is read once for all of them.
 *
 * @returns the names of the views that were built
 */
export async function setupViews(
  views: readonly View[],
  { db, reader, threads, onProgress, onFailed, signal }: SetupOptions,
): Promise<string[]> {
  const built: string[] = []
  const behind: View[] = []
  for (const view of views) if (await isBehind(db, view)) behind.push(view)
  // A view that nobody can read is built as fast as possible.
  const fullSpeed = behind.length > 0 && (await unreadable(db, behind)).length > 0
  for await (const ofTopic of rebuildTogether(behind, { db, reader, threads, fullSpeed }, build))
    for (const { view, outcome } of ofTopic) {
      if (outcome.status === 'fulfilled') {
        if (outcome.value) built.push(view.name)
      } else if (!onFailed || !isOfHistory(outcome.reason)) throw outcome.reason
      else onFailed(view, outcome.reason)
    }
  return built

  /** Recorded among the replays once this process holds the lock. */
  async function build(view: View, shared: Shared) {
    let told: Telling | undefined
    const needed = async () => {
      if (!(await isBehind(db, view))) return false
      told = await telling(db, { id: newId(), act: 'rebuild', view: view.name, who: PROJECTOR })
      return true
    }
    const tell = (progress: Progress) => {
      told?.onProgress(progress)
      onProgress?.(view, progress)
    }
    try {
      const done = await rebuild(view, { ...shared, db, reader, queue: true, needed, signal, onProgress: tell })
      await told?.done('done', done)
      return done !== undefined
    } catch (error) {
      await told?.failed(error)
      throw error
    }
  }
}

/** A topic or the log lacks events, or one of them cannot be applied: other views may have what they need. */
const isOfHistory = (error: unknown) =>
  (error instanceof OperatorError || error instanceof ReplayStopped) && !isUnavailable(error)
