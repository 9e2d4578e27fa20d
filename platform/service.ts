import { readSettings } from './config/settings.ts'
import { allocateYoung } from './heap.ts'
import { type Endpoint, type Health, serveEndpoint } from './telemetry/endpoint.ts'
import { healthOf } from './telemetry/health.ts'
import { type Logger, openLogger } from './telemetry/logger.ts'
import { type Metrics, openMetrics } from './telemetry/metrics.ts'
import { Trouble } from './trouble.ts'

export { Trouble } from './trouble.ts'

/** How long a stop may take before it is no longer called graceful, unless a service says otherwise. */
const STOP_MS = 15_000

export interface Running {
  /** Finishes what is under way, then lets go of everything. */
  stop(): Promise<void>
  /** Resolves when what it needs answers, rejects when it does not: asked for its health. */
  works?(): Promise<unknown>
}

/**
 * Runs a service as this process: starts it, tells whoever spawned it that it is ready, stops it once on SIGTERM, SIGINT,
 * SIGHUP or when the spawning process is gone. Ends the process with 0 after a clean stop and with 1 when the start or the stop
 * failed. With METRICS_PORT its figures and its health are served there, from before the start until the end.
 *
 * @param start may call `begun` as soon as there is something that a stop must not leave behind
 */
export async function runService(
  name: string,
  start: (logger: Logger, begun: (running: Running) => void, metrics: Metrics) => Promise<Running>,
  { level, stopMs = STOP_MS }: { level?: string; stopMs?: number } = {},
): Promise<void> {
  allocateYoung()
  const logger = openLogger(name, level)
  const metrics = openMetrics()
  let endpoint: Endpoint | undefined
  let isReady = false
  let running: Running | undefined
  let stopping = false

  const health = async (): Promise<Health> => {
    if (stopping) return 'stopping'
    if (!isReady) return 'starting'
    return running?.works ? healthOf(running.works) : 'ok'
  }

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
      await endpoint?.close()
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
    const { METRICS_PORT: port, HOST: host } = readSettings()
    if (port !== undefined) endpoint = await serveEndpoint({ metrics, health }, { port, host })
    if (endpoint) logger.info({ metricsPort: endpoint.port }, 'serving metrics')
    const begun = (begun: Running) => {
      running = begun
    }
    running = await start(logger, begun, metrics)
    if (stopping) return
    isReady = true
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
