import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { SUPERVISOR } from '#platform/orphan/index.ts'
import { OperatorError } from '#platform/service.ts'
import { tracingFlags } from '#platform/telemetry/tracing/flags.ts'
import { watchAnswers } from './answers.ts'

/** A process to keep running. */
export interface Part {
  name: string
  /** The file that Node runs, with its arguments and Node's flags. */
  file: string
  args?: string[]
  flags?: string[]
  env: NodeJS.ProcessEnv
}

export interface SupervisorOptions {
  /** Called with each line that a part prints. */
  onLine(part: string, line: string): void
  /** Called when a part has ended by itself, before it is started again. */
  onRestart(part: string, why: string): void
  /** Called when a part was launched, with the process ids of all running parts. */
  onLaunch?(pids: Record<string, number>): void
  /** Called once when a part gives no answer any more: it is frozen, or far too busy. */
  onSilent?(part: string, silent: { pid: number; silentMs: number }): void
  /** Called when a silent part answers again. */
  onAnswer?(part: string, silent: { pid: number; silentMs: number }): void
  /** How long a part may give no answer. */
  silentMs?: number
}

export interface Supervisor {
  /** Starts all parts in order. Resolves when all are ready, rejects when one ends before. */
  start(parts: Part[]): Promise<void>
  /** Starts a part without waiting for it, and restarts it even if it never gets ready. */
  keep(part: Part): void
  /** Process ids of the running parts. */
  pids(): Record<string, number>
  /** Stops all parts gracefully, in reverse order of their start; kills those that do not end. */
  stop(): Promise<void>
}

const RESTART_MS = 100
const RESTART_MS_MAX = 5_000
const KILL_AFTER_MS = 20_000

/** Keeps parts running: a process for each, restarted with a growing pause when it ends. */
export function supervisor({ onLine, onRestart, onLaunch, ...answers }: SupervisorOptions): Supervisor {
  const children = new Map<string, ChildProcess>()
  let stopping = false

  const pids = () => Object.fromEntries([...children].flatMap(([name, child]) => (runs(child) ? [[name, child.pid!]] : [])))

  function launch(part: Part): ChildProcess {
    // A process group of its own: Ctrl-C in a terminal reaches only the supervisor, which stops the parts in order.
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        '--disable-warning=TimeoutNegativeWarning',
        ...tracingFlags(part.env),
        ...(part.flags ?? []),
        part.file,
        ...(part.args ?? []),
      ],
      {
        env: { ...part.env, [SUPERVISOR]: String(process.pid) },
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    )
    children.set(part.name, child)
    onLaunch?.(pids())
    // The process could not be created; `ended` handles that.
    child.on('error', () => {})
    for (const stream of [child.stdout!, child.stderr!])
      createInterface({ input: stream }).on('line', (line) => onLine(part.name, line))
    return child
  }

  function watch({ name }: Part, child: ChildProcess) {
    const pid = child.pid!
    const { silentMs } = answers
    watchAnswers(child, {
      ...(silentMs !== undefined && { silentMs, everyMs: silentMs / 3 }),
      onSilent: (silentMs) => answers.onSilent?.(name, { pid, silentMs }),
      onAnswer: (silentMs) => answers.onAnswer?.(name, { pid, silentMs }),
    })
  }

  /** Resolves when the part is ready. From then on it is restarted whenever it ends. */
  async function started(part: Part): Promise<void> {
    const first = launch(part)
    if (!(await readyOrEnded(first))) throw new OperatorError(`${part.name} did not start`)
    watch(part, first)
    void revive(part, first)
  }

  /** Launches a part. Returns the error if its process cannot be created (no memory, too many processes), which counts as its end. */
  function relaunch(part: Part): ChildProcess | string {
    try {
      return launch(part)
    } catch (error) {
      return (error as Error).message
    }
  }

  async function revive(part: Part, first: ChildProcess | string): Promise<void> {
    let child = first
    let pauseMs = RESTART_MS
    while (true) {
      const why = typeof child === 'string' ? child : await ended(child)
      if (stopping) return
      onRestart(part.name, why)
      await sleep(pauseMs)
      if (stopping) return
      child = relaunch(part)
      const isReady = typeof child !== 'string' && (await readyOrEnded(child))
      if (isReady) watch(part, child as ChildProcess)
      pauseMs = isReady ? RESTART_MS : Math.min(pauseMs * 2, RESTART_MS_MAX)
    }
  }

  return {
    start: async (parts) => {
      for (const part of parts) {
        if (stopping) throw new OperatorError('stopped while starting')
        await started(part)
      }
    },
    keep: (part) => {
      if (stopping) return
      const first = relaunch(part)
      void revive(part, first)
      if (typeof first !== 'string') void readyOrEnded(first).then((isReady) => isReady && watch(part, first))
    },
    pids,
    async stop() {
      stopping = true
      for (const child of [...children.values()].reverse()) {
        if (hasEnded(child)) continue
        const end = ended(child)
        child.kill('SIGTERM')
        const late = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS)
        await end
        clearTimeout(late)
      }
    },
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null
/** A process that could not be created has no pid. */
const runs = (child: ChildProcess) => child.pid !== undefined && !hasEnded(child)

/** True once the part reports that it is ready, false when it ends before. */
const readyOrEnded = (child: ChildProcess): Promise<boolean> =>
  new Promise((resolve) => {
    child.once('message', () => resolve(true))
    void ended(child).then(() => resolve(false))
  })

/** Waits for the end of a process and tells its cause. */
async function ended(child: ChildProcess): Promise<string> {
  // A process that could not be created emits `error` instead, at which `once` of node:events would throw.
  if (!hasEnded(child)) await new Promise((resolve) => child.once('exit', resolve).once('error', resolve))
  return child.signalCode ? `ended by ${child.signalCode}` : `ended with code ${child.exitCode}`
}
