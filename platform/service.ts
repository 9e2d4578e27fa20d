import { readSettings } from './config/settings.ts'
import { allocateYoung } from './heap.ts'
import { type Endpoint, type Health, serveEndpoint } from './telemetry/endpoint.ts'
import { healthOf } from './telemetry/health.ts'
import { type Logger, logLast, openLogger } from './telemetry/logger.ts'
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

/** @param begun may be called as soon as there is something that a stop must not leave behind */
export type Start = (log: Logger, begun: (running: Running) => void, metrics: Metrics) => Promise<Running>

export interface ServiceOptions {
  /** Of its log lines; LOG_LEVEL if not given. */
  level?: string
  stopMs?: number
}

/** A part of the system that runs as a process of its own, or as one of several in a process. */
export interface Service {
  name: string
  start: Start
  options: ServiceOptions
}

/** Declares a service; nothing runs yet. */
export const service = (name: string, start: Start, options: ServiceOptions = {}): Service => ({ name, start, options })

/**
 * Runs services as this process: starts them, tells whoever spawned it that all are ready, stops them once on SIGTERM, SIGINT,
 * SIGHUP or when the spawning process is gone. Ends the process with 0 after a clean stop and with 1 when a start or a stop
 * failed. With METRICS_PORT their figures and their health are served there, from before the start until the end.
 */
export async function runServices(services: readonly Service[]): Promise<void> {
  allocateYoung()
  const stopMs = Math.max(...services.map(({ options }) => options.stopMs ?? STOP_MS))
  const parts = services.map((service) => ({ ...service, logger: openLogger(service.name, service.options.level) }))
  const { logger } = parts[0]!
  const metrics = openMetrics()
  let endpoint: Endpoint | undefined
  let isReady = false
  const running = new Map<string, Running>()
  let stopping = false

  const health = async (): Promise<Health> => {
    if (stopping) return 'stopping'
    if (!isReady) return 'starting'
    return healthOf(() => Promise.all([...running.values()].map((one) => one.works?.())))
  }

  const stop = async (why: string) => {
    if (stopping) return
    stopping = true
    for (const { logger } of parts) logger.info({ why }, 'stopping')
    const late = setTimeout(() => void failed(`did not stop within ${stopMs} ms`), stopMs)
    const failed = async (...line: [string] | [object, string]) => {
      await logLast(logger, 'error', ...line)
      process.exit(1)
    }
    try {
      // One that cannot stop cleanly must not keep the others from doing so.
      const stops = await Promise.allSettled([...running.values()].map((one) => one.stop()))
      for (const one of stops) if (one.status === 'rejected') throw one.reason
      await endpoint?.close()
      clearTimeout(late)
      await Promise.all(parts.map(({ logger }) => logLast(logger, 'info', 'stopped')))
      process.exit(0)
    } catch (error) {
      await failed({ error }, 'did not stop cleanly')
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
    await Promise.all(
      parts.map(async ({ name, start, logger }) => {
        const begun = (one: Running) => void running.set(name, one)
        begun(await start(logger, begun, metrics))
        logger.info('ready')
      }),
    )
    if (stopping) return
    isReady = true
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
