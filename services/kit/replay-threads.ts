import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Settings } from '#platform/config/settings.ts'
import type { Part } from '#projections/engine/threads/messages.ts'
import type { Threads } from '#projections/engine/threads/threads.ts'
import { views } from '#projections/index.ts'

const THREAD = fileURLToPath(new URL('replay-thread.ts', import.meta.url))

/** Each thread needs about 0.6 s of a processor until its code is loaded and compiled; in that time one thread folds 150,000 events. */
const WORTH_FROM = 500_000
/** Beyond these, the one COPY into a view's table takes longer than the fold. */
const MOST = 4

/** Threads for replays as the settings say; undefined when replays fold in the calling thread. */
export function replayThreads(settings: Settings, worthFrom = WORTH_FROM): Threads | undefined {
  const count = settings.REPLAY_THREADS ?? threadsFor(availableParallelism())
  if (count < 2) return undefined
  return {
    count,
    worthFrom,
    views,
    start: (part) =>
      new Worker(THREAD, {
        workerData: { settings, part } satisfies ThreadData,
        // Leaves out the main thread's flags, such as the one that preloads tracing.
        execArgv: ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning'],
        // As --max-semi-space-size=8: memory stays flat, however long the log is.
        resourceLimits: { maxYoungGenerationSizeMb: 24 },
      }),
  }
}

/** What `replay-thread.ts` is given. */
export interface ThreadData {
  settings: Settings
  part: Part
}

/**
 * A thread occupies a core, and the Postgres process that reads for it a third of another. Two cores are left to them and to clients.
 * One thread would only do what the calling thread does.
 */
export const threadsFor = (cores: number): number => Math.max(0, Math.min(MOST, cores - 2))
