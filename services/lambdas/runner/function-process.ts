import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { FunctionSpec } from '../kit/functions.ts'
import type { Invoke, Told } from './protocol.ts'

/** A function in a child process, started with its first event and ended when it has been idle for a while. */
export interface FunctionProcess {
  /**
   * Has the function handle an event, one at a time.
   * @throws FunctionFailed when it threw, died, did not start or timed out; after a timeout it is killed
   */
  invoke(event: unknown): Promise<unknown>
  /** Id of the running process. */
  pid(): number | undefined
  /** Kills the process; its current event fails. */
  kill(): void
}

/** The function did not answer. */
export class FunctionFailed extends Error {
  override name = 'FunctionFailed'
}

export interface FunctionProcessOptions {
  spec: Pick<FunctionSpec, 'name' | 'memoryMb' | 'timeoutSeconds'>
  /** Handler file of the unpacked code. */
  handler: string
  /** Its whole environment. */
  env: NodeJS.ProcessEnv
  idleMs: number
  log: Logger
  /** Called when a process is ready, with the time that took. */
  onStart?(elapsedMs: number): void
}

/** Same limit as on AWS. */
const START_MS = 10_000
const bootstrap = join(import.meta.dirname, 'bootstrap.ts')
/** AWS leaves most of a function's memory to the heap; a small young generation keeps idle processes small. */
const flags = (memoryMb: number) => [
  '--disable-warning=ExperimentalWarning',
  `--max-old-space-size=${Math.floor(memoryMb * 0.8)}`,
  '--max-semi-space-size=2',
]

export function functionProcess({ spec, handler, env, idleMs, log, onStart }: FunctionProcessOptions): FunctionProcess {
  const { name, memoryMb, timeoutSeconds } = spec
  let child: ChildProcess | undefined
  let idle: NodeJS.Timeout | undefined
  /** The caller waiting for the process's next message. */
  let waiting: { take(told: Told): void; fail(why: string): void } | undefined
  let requestId: string | undefined

  const end = () => {
    child?.kill('SIGKILL')
    child = undefined
  }

  /** Waits for a message that `pick` accepts; fails if the process ends first, or after `withinMs`. */
  function told<T>(pick: (told: Told) => T | undefined, withinMs: number, late: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (then: () => void) => {
        clearTimeout(timer)
        waiting = undefined
        then()
      }
      const fail = (why: string) => settle(() => reject(new FunctionFailed(why)))
      const timer = setTimeout(() => {
        end()
        fail(late)
      }, withinMs)
      waiting = {
        fail,
        take(said) {
          if (said.type === 'threw' || said.type === 'failed to start') return fail(`it ${said.type}: ${said.message}`)
          const picked = pick(said)
          if (picked !== undefined) settle(() => resolve(picked))
        },
      }
    })
  }

  async function start(): Promise<ChildProcess> {
    const since = performance.now()
    const started = spawn(process.execPath, [...flags(memoryMb), bootstrap, handler], {
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    child = started
    const ended = (why: string) => {
      // Ignore a process that has been replaced.
      if (child !== started) return
      child = undefined
      waiting?.fail(why)
    }
    started.on('error', (error) => ended(`its process could not be started: ${error.message}`))
    started.on('exit', (code, signal) => ended(`its process ended ${signal ? `by ${signal}` : `with code ${code}`}`))
    started.on('message', (said: Told) => {
      if (said.type === 'said') repeat(said.level, said.text, said.requestId)
      else if (child === started) waiting?.take(said)
    })
    for (const stream of [started.stdout!, started.stderr!])
      createInterface({ input: stream }).on('line', (line) => repeat('warn', line, requestId))
    await told(({ type }) => type === 'ready' || undefined, START_MS, `it did not start within ${START_MS / 1000} s`)
    const elapsedMs = Math.round(performance.now() - since)
    log.info({ function: name, pid: started.pid, elapsedMs }, 'started a function')
    onStart?.(elapsedMs)
    return started
  }

  function repeat(level: 'debug' | 'info' | 'warn' | 'error', text: string, requestId: string | undefined) {
    const { level: _, message, ...fields } = asLine(text) ?? { message: text }
    log[level]({ ...fields, function: name, requestId }, message)
  }

  return {
    async invoke(event) {
      clearTimeout(idle)
      requestId = randomUUID()
      const timeoutMs = timeoutSeconds * 1000
      try {
        const running = child ?? (await start())
        const invoke: Invoke = { requestId, event, timeoutMs, functionName: name, memoryMb }
        const answer = told(
          (said) => (said.type === 'answered' && said.requestId === invoke.requestId ? { value: said.answer } : undefined),
          timeoutMs,
          `it took more than ${timeoutSeconds} s`,
        )
        // If it cannot be sent, the process has ended, which `ended` reports.
        running.send(invoke, () => {})
        return (await answer).value
      } finally {
        requestId = undefined
        idle = setTimeout(end, idleMs).unref()
      }
    },
    pid: () => child?.pid,
    kill() {
      clearTimeout(idle)
      const killed = child
      end()
      if (killed) waiting?.fail('it was stopped')
    },
  }
}

/** The bundled functions log lines of JSON. */
function asLine(text: string): { message: string; level?: unknown } | undefined {
  try {
    const line = JSON.parse(text)
    return typeof line?.message === 'string' ? line : undefined
  } catch {
    return undefined
  }
}
