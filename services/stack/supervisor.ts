import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Trouble } from '#platform/service.ts'

/** A process to keep running. */
export interface Part {
  name: string
  /** The file that Node runs, with which arguments and flags. */
  file: string
  args?: string[]
  flags?: string[]
  env: NodeJS.ProcessEnv
}

export interface SupervisorOptions {
  /** Each line that a part prints. */
  onLine(part: string, line: string): void
  /** A part ended by itself and will be started again. */
  onRestart(part: string, why: string): void
}

export interface Supervisor {
  /** Starts all parts; resolves when each said that it is ready, rejects when one ended before that. */
  start(parts: Part[]): Promise<void>
  /** Starts a part that nobody waits for, and starts it again also when it never gets ready. */
  keep(part: Part): void
  /** The process ids of the parts that run, for those who want to watch or kill one. */
  pids(): Record<string, number>
  /** Stops all parts gracefully, in the reverse order of their start; kills what does not listen. */
  stop(): Promise<void>
}

const RESTART_MS = 100
const RESTART_MS_MAX = 5_000
const KILL_AFTER_MS = 20_000

/** Keeps services running: one process each, started again with a growing pause when it dies. */
export function supervisor({ onLine, onRestart }: SupervisorOptions): Supervisor {
  const children = new Map<string, ChildProcess>()
  let stopping = false

  function launch(part: Part): ChildProcess {
    // In a group of its own: Ctrl-C in a terminal goes to the supervisor, which stops the parts in order.
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        '--disable-warning=TimeoutNegativeWarning',
        ...(part.flags ?? []),
        part.file,
        ...(part.args ?? []),
      ],
      {
        env: part.env,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    )
    children.set(part.name, child)
    // Why it could not be made; `ended` tells.
    child.on('error', () => {})
    for (const stream of [child.stdout!, child.stderr!])
      createInterface({ input: stream }).on('line', (line) => onLine(part.name, line))
    return child
  }

  /** Resolves when the part is ready; afterwards it is started again whenever it ends. */
  async function started(part: Part): Promise<void> {
    const first = launch(part)
    if (!(await readyOrEnded(first))) throw new Trouble(`${part.name} did not start`)
    void revive(part, first)
  }

  /** A process that cannot even be made (no memory, no free process) is one that ended at once. */
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
      pauseMs = isReady ? RESTART_MS : Math.min(pauseMs * 2, RESTART_MS_MAX)
    }
  }

  return {
    start: async (parts) => {
      for (const part of parts) {
        if (stopping) throw new Trouble('stopped while starting')
        await started(part)
      }
    },
    keep: (part) => {
      if (!stopping) void revive(part, relaunch(part))
    },
    pids: () => Object.fromEntries([...children].flatMap(([name, child]) => (runs(child) ? [[name, child.pid!]] : []))),
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
/** One that could not be made has no process id. */
const runs = (child: ChildProcess) => child.pid !== undefined && !hasEnded(child)

/** True once the part says that it is ready, false when it ends before. */
const readyOrEnded = (child: ChildProcess): Promise<boolean> =>
  Promise.race([new Promise<true>((resolve) => child.once('message', () => resolve(true))), ended(child).then(() => false)])

/** Why a process ended, once it did. */
async function ended(child: ChildProcess): Promise<string> {
  // One that could not be made tells an error instead, at which `once` of node:events would throw.
  if (!hasEnded(child)) await new Promise((resolve) => child.once('exit', resolve).once('error', resolve))
  return child.signalCode ? `ended by ${child.signalCode}` : `ended with code ${child.exitCode}`
}
