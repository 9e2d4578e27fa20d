import { pasteable } from './config/pasteable.ts'
import { readSettings } from './config/settings.ts'
import { allocateYoung } from './heap.ts'
import { OperatorError } from './operator-error.ts'
import { isUnavailable, messageOf, reasonOf } from './pg/errors.ts'
import { type Endpoint, type Health, serveEndpoint } from './telemetry/endpoint.ts'
import { healthOf } from './telemetry/health.ts'
import { type Logger, logLast, openLogger } from './telemetry/logger.ts'
import { type Metrics, openMetrics } from './telemetry/metrics.ts'
import { endTracing } from './telemetry/tracing/tracing.ts'

export { OperatorError } from './operator-error.ts'

/** How long a graceful stop may take, unless a service has its own bound. */
const STOP_MS = 15_000

export interface Running {
  /** Finishes running work, then releases everything. */
  stop(): Promise<void>
  /** Health check: resolves when everything that the service needs answers, with a text if there is a remark; rejects otherwise. */
  works?(): Promise<unknown>
}

/** @param begun may be called during the start, as soon as a stop has something to release */
export type Start = (log: Logger, begun: (running: Running) => void, metrics: Metrics) => Promise<Running>

export interface ServiceOptions {
  /** Log level; LOG_LEVEL if not given. */
  level?: string
  stopMs?: number
}

/** A part of the system that runs as its own process, or together with others in one process. */
export interface Service {
  name: string
  start: Start
  options: ServiceOptions
}

/** Declares a service; nothing runs yet. */
export const service = (name: string, start: Start, options: ServiceOptions = {}): Service => ({ name, start, options })

/** Tells the parent process. If that is gone, `disconnect` says so; without the callback, Node would throw. */
const tell = (message: string) => void process.send?.(message, () => {})

/**
 * Runs services in this process: starts them, tells the parent process when all are ready, and stops them on SIGTERM, SIGINT, SIGHUP
 * or when the parent is gone. Exits with 0 after a clean stop, and with 1 when a start or a stop failed. With METRICS_PORT it serves
 * their metrics and health there, from before the start until the end.
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
    return healthOf(async () => {
      const said = await Promise.all([...running.values()].map((one) => one.works?.()))
      return said.filter((one) => typeof one === 'string' && one !== '').join('; ') || undefined
    })
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
      // A service that fails to stop must not prevent the others from stopping.
      const stops = await Promise.allSettled([...running.values()].map((one) => one.stop()))
      for (const one of stops) if (one.status === 'rejected') throw one.reason
      await endpoint?.close()
      clearTimeout(late)
      // Has its own bound, so a slow receiver of spans does not make the stop fail.
      await endTracing()
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
  // The supervisor asks this way whether the process is frozen.
  process.on('message', (message) => message === 'ping' && tell('pong'))
  process.channel?.unref()
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
    tell('ready')
  } catch (error) {
    // A stop during the start makes the start fail somehow; the stop decides the exit code.
    if (stopping) return
    console.error(plain(error))
    process.exit(1)
  }
}

/** An error as text for people: the message of an OperatorError or of an unavailable database, the stack of a bug. */
export function plain(error: unknown): string {
  if (error instanceof OperatorError) return pasteable(error.message).replaceAll(/^/gm, 'vidwiz: ')
  if (isUnavailable(error))
    return `vidwiz: cannot use the database: ${reasonOf(error)} (${messageOf(error)}); what to do: docs/runbook.md, "The database is locked, read-only, full, out of slots, or refuses rights"`
  return `vidwiz: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}
