import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

/** A service to keep running as a process of its own. */
export interface Part {
  name: string
  /** The file that Node runs. */
  file: string
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
  /** The process ids by part, for those who want to watch or kill one. */
  pids(): Record<string, number | undefined>
  /** Stops all parts gracefully, in the reverse order of their start; kills what does not listen. */
  stop(): Promise<void>
}

const RESTART_MS = 100
const RESTART_MS_MAX = 5_000
/** After this long a part counts as healthy again. */
const HEALTHY_MS = 10_000
const KILL_AFTER_MS = 20_000

/** Keeps services running: one process each, started again with a growing pause when it dies. */
export function supervisor({ onLine, onRestart }: SupervisorOptions): Supervisor {
  const children = new Map<string, ChildProcess>()
  let stopping = false

  function launch(part: Part): ChildProcess {
    // In a group of its own: Ctrl-C in a terminal goes to the supervisor, which stops the parts in order.
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', part.file], {
      env: part.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    children.set(part.name, child)
    for (const stream of [child.stdout!, child.stderr!])
      createInterface({ input: stream }).on('line', (line) => onLine(part.name, line))
    return child
  }

  /** Resolves when the part is ready; afterwards it is started again whenever it ends. */
  async function keep(part: Part): Promise<void> {
    const child = launch(part)
    const ended = once(child, 'exit') as Promise<[number | null, string | null]>
    const ready = await Promise.race([once(child, 'message').then(() => true), ended.then(() => false)])
    if (!ready) throw new Error(`${part.name} did not start`)
    void revive(part, ended)
  }

  async function revive(part: Part, firstEnd: Promise<[number | null, string | null]>): Promise<void> {
    let ended = firstEnd
    let pauseMs = RESTART_MS
    while (true) {
      const startedAt = Date.now()
      const [code, signal] = await ended
      if (stopping) return
      onRestart(part.name, signal ? `ended by ${signal}` : `ended with code ${code}`)
      pauseMs = Date.now() - startedAt > HEALTHY_MS ? RESTART_MS : Math.min(pauseMs * 2, RESTART_MS_MAX)
      await sleep(pauseMs)
      if (stopping) return
      ended = once(launch(part), 'exit') as typeof ended
    }
  }

  return {
    start: async (parts) => {
      for (const part of parts) await keep(part)
    },
    pids: () => Object.fromEntries([...children].map(([name, child]) => [name, child.pid])),
    async stop() {
      stopping = true
      for (const child of [...children.values()].reverse()) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        const ended = once(child, 'exit')
        child.kill('SIGTERM')
        const late = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS)
        await ended
        clearTimeout(late)
      }
    },
  }
}
