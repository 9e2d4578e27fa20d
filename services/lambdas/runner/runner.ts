import { join } from 'node:path'
import type { Settings } from '#platform/config/settings.ts'
import { OperatorError } from '#platform/operator-error.ts'
import { openQueues } from '#platform/sqs/open.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import { EnvironmentError } from '../kit/environment.ts'
import { type FunctionSpec, functions } from '../kit/functions.ts'
import { functionEnvironment } from './function-environment.ts'
import { functionProcess } from './function-process.ts'
import { type Mapping, startMapping, type Times } from './mapping.ts'
import { unpacked } from './unpack.ts'
import { buildZips } from './zips.ts'

export interface RunnerOptions {
  settings: Settings
  /** Token that functions use with the API. */
  adminToken: string
  /** For the zips and the unpacked code. */
  folder: string
  log: Logger
  metrics: Metrics
  /** Maximum time a stop waits for running invocations. */
  stopWithinMs: number
  times?: Partial<Times>
  /** Overrides the declared timeout; for tests. */
  timeoutSeconds?: number
  env?: NodeJS.ProcessEnv
}

export interface Runner {
  /** Functions that run, each with its process id while it has a process. */
  pids(): Record<string, number | undefined>
  /** Functions that do not run, each with the reason. */
  idle: Record<string, string>
  works(): Promise<void>
  stop(): Promise<void>
}

/** A function to run here, with its queue and environment. */
interface Plan {
  spec: FunctionSpec
  queueUrl: string
  env: Record<string, string>
}

/** Runs the bundled Lambdas on this machine, fed from their queues as on AWS. */
export async function startRunner(options: RunnerOptions): Promise<Runner> {
  const { settings, folder, log, metrics, times } = options
  const { plans, idle } = planned(options)
  if (Object.keys(idle).length > 0)
    log.info(
      { idle },
      `idle: ${Object.entries(idle)
        .map(([name, why]) => `${name} (${why})`)
        .join(', ')}`,
    )
  const zips = await buildZips(
    plans.map(({ spec }) => spec.name),
    folder,
  )
  for (const { name, sizeBytes } of zips.filter(({ isNew }) => isNew))
    log.info({ function: name, sizeBytes }, 'bundled a function')
  const measure = measures(metrics)
  const queues = plans.length > 0 ? await openQueues(settings) : undefined
  const handlers = await Promise.all(zips.map((zip) => unpacked(zip, folder)))
  const running = plans.map(({ spec, queueUrl, env }, i) => {
    const { name, batchSize } = spec
    const process = functionProcess({
      spec: { ...spec, timeoutSeconds: options.timeoutSeconds ?? spec.timeoutSeconds },
      handler: handlers[i]!,
      env: { ...env, LAMBDA_TASK_ROOT: join(handlers[i]!, '..') },
      idleMs: settings.LAMBDA_IDLE_MINUTES * 60_000,
      log,
      onStart: () => measure.started({ function: name }),
    })
    const mapping = startMapping({
      name,
      queues: queues!,
      queueUrl,
      region: settings.AWS_REGION,
      batchSize,
      invoke: process.invoke,
      giveUp: process.kill,
      log,
      onBatch: ({ done, failed, elapsedMs }) => measure.batch(name, done, failed, elapsedMs),
      times,
    })
    return { name, process, mapping }
  })
  if (running.length > 0) log.info({ functions: running.map(({ name }) => name) }, 'feeding functions')
  // Keeps the process alive when there is nothing to do.
  const staying = setInterval(() => {}, 2 ** 30)
  const all = <T>(what: (mapping: Mapping) => Promise<T>) => Promise.all(running.map(({ mapping }) => what(mapping)))
  return {
    idle,
    pids: () => Object.fromEntries(running.map(({ name, process }) => [name, process.pid()])),
    works: async () => void (await all((mapping) => mapping.works())),
    async stop() {
      await all((mapping) => mapping.stop(options.stopWithinMs))
      for (const { process } of running) process.kill()
      clearInterval(staying)
      queues?.close()
    },
  }
}

/**
 * @throws OperatorError when a function's environment is invalid; a function that only lacks variables is idle
 */
function planned({ settings, adminToken, env = process.env }: RunnerOptions): { plans: Plan[]; idle: Record<string, string> } {
  const idle: Record<string, string> = {}
  const problems = new Set<string>()
  const plans = functions.flatMap((spec): Plan[] => {
    const { url, name } = sourceOf(spec, settings)
    if (url === undefined) {
      // A missing dispatcher queue is normal here: the reactors do the dispatcher's work.
      if (spec.name !== 'tasks-dispatcher') idle[spec.name] = `${name} not set`
      return []
    }
    const own = functionEnvironment(spec, settings, adminToken, env)
    try {
      spec.readEnvironment(own)
      return [{ spec, queueUrl: url, env: own }]
    } catch (error) {
      if (!(error instanceof EnvironmentError)) throw error
      for (const problem of error.invalid) problems.add(problem)
      idle[spec.name] = `${error.missing.join(', ')} not set`
      return []
    }
  })
  if (problems.size > 0) throw new OperatorError([...problems].join('\n'))
  return { plans, idle }
}

/** The queue that feeds a function, and the variable that sets it. */
function sourceOf({ name }: FunctionSpec, settings: Settings): { name: keyof Settings; url: string | undefined } {
  const variable = {
    'ai-note': 'SQS_AI_NOTE_QUEUE_URL',
    'ai-summary': 'SQS_SUMMARY_QUEUE_URL',
    'tasks-dispatcher': 'SQS_DISPATCH_QUEUE_URL',
  } as const
  return { name: variable[name], url: settings[variable[name]] }
}

function measures(metrics: Metrics) {
  const messages = metrics.counter({
    name: 'vidwiz_lambda_messages_total',
    help: 'Messages that functions received, by outcome',
    labels: ['function', 'outcome'],
  })
  const seconds = metrics.histogram({
    name: 'vidwiz_lambda_batch_seconds',
    help: 'How long functions took for a batch, their start included',
    labels: ['function'],
    buckets: [0.1, 0.5, 1, 2, 5, 10, 20, 30, 60],
  })
  const started = metrics.counter({
    name: 'vidwiz_lambda_starts_total',
    help: 'Processes of functions that were started',
    labels: ['function'],
  })
  return {
    started,
    batch(name: string, done: number, failed: number, elapsedMs: number) {
      messages({ function: name, outcome: 'done' }, done)
      messages({ function: name, outcome: 'failed' }, failed)
      seconds({ function: name }, elapsedMs / 1000)
    },
  }
}
