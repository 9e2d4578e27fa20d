import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

/** The variable with the supervisor's process id, so that its end is noticed even before this process runs. */
export const SUPERVISOR = 'VIDWIZ_SUPERVISOR'

const WATCHER = fileURLToPath(new URL('watcher.ts', import.meta.url))
/** Time for the graceful stop, which begins on its own when the supervisor is gone. */
const GRACE_MS = 5_000

/**
 * Ends this process within seconds after its supervisor is gone. A separate thread kills it, even when the main thread is blocked,
 * still starting, or writing to a pipe that no process reads. Does nothing without a supervisor.
 */
export function endWithSupervisor(): void {
  const supervisor = Number(process.env[SUPERVISOR])
  // Child processes of this process have another parent, so they must not inherit the variable.
  delete process.env[SUPERVISOR]
  if (!supervisor) return
  const watcher = new Worker(WATCHER, {
    workerData: { supervisor, graceMs: GRACE_MS },
    // Leaves out the main thread's flags, such as the one that preloads tracing.
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 },
  })
  // If the thread cannot start, the service runs without it and still stops gracefully by itself.
  watcher.on('error', () => {})
  watcher.unref()
}
