import { type Logger, openLogger } from './telemetry/logger.ts'
import { Trouble } from './trouble.ts'

export { Trouble } from './trouble.ts'

/** How long a stop may take before it is no longer called graceful, unless a service says otherwise. */
const STOP_MS = 15_000

export interface Running {
  /** Finishes what is under way, then lets go of everything. */
  stop(): Promise<void>
}

/**
 * Runs a service as this process: starts it, tells whoever spawned it that it is ready, stops it once on SIGTERM, SIGINT,
 * SIGHUP or when the spawning process is gone. Ends the process with 0 after a clean stop and with 1 when the start or the stop
 * failed.
 *
 * @param start may call `begun` as soon as there is something that a stop must not leave behind
 */
export async function runService(
  name: string,
  start: (logger: Logger, begun: (running: Running) => void) => Promise<Running>,
  { level, stopMs = STOP_MS }: { level?: string; stopMs?: number } = {},
): Promise<void> {
  const logger = openLogger(name, level)
  let running: Running | undefined
  let stopping = false

  const stop = async (why: string) => {
    if (stopping) return
    stopping = true
    logger.info({ why }, 'stopping')
    const late = setTimeout(() => {
      logger.error(`did not stop within ${stopMs} ms`)
      process.exit(1)
    }, stopMs)
    try {
      await running?.stop()
      clearTimeout(late)
      logger.info('stopped')
      process.exit(0)
    } catch (error) {
      logger.error({ error }, 'did not stop cleanly')
      process.exit(1)
    }
  }

  process.on('SIGTERM', () => void stop('SIGTERM'))
  process.on('SIGINT', () => void stop('SIGINT'))
  process.on('SIGHUP', () => void stop('SIGHUP'))
  process.on('disconnect', () => void stop('the process that started this one is gone'))
  try {
    running = await start(logger, (begun) => {
      running = begun
    })
    if (stopping) return
    logger.info('ready')
    process.send?.('ready')
  } catch (error) {
    // A start that is broken off by a stop fails in one way or another: the stop has the say.
    if (stopping) return
    console.error(plain(error))
    process.exit(1)
  }
}

/** An error as a person wants to read it: one line each for what can be mended, a stack for what is our mistake. */
export function plain(error: unknown): string {
  if (error instanceof Trouble) return error.message.replaceAll(/^/gm, 'vidwiz: ')
  return `vidwiz: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}
