import { spawn } from 'node:child_process'

/** How a program ended. */
export interface Ended {
  /** Undefined when it could not be started or was killed. */
  code: number | undefined
  stdout: string
  stderr: string
}

export interface Bounds {
  env: NodeJS.ProcessEnv
  timeoutMs: number
  signal?: AbortSignal
  /** Told each line that it prints, while it runs. */
  onLine?(line: string): void
}

const KEPT_BYTES = 1024 * 1024

/** Runs a program to its end, in a group of its own that is killed whole when it takes too long or is not wanted any more. */
export function runProgram(program: string, args: readonly string[], { env, timeoutMs, signal, onLine }: Bounds): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    const kept = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        if (kept[name].length < KEPT_BYTES) kept[name] += text
      })
      if (onLine) child[name].on('data', inLines(onLine))
    }
    const kill = () => killGroup(child.pid, 'SIGKILL')
    const late = setTimeout(kill, timeoutMs)
    signal?.addEventListener('abort', kill)
    if (signal?.aborted) kill()
    const end = (code: number | undefined) => {
      clearTimeout(late)
      signal?.removeEventListener('abort', kill)
      resolve({ code, ...kept })
    }
    child.on('error', ({ message }) => {
      kept.stderr ||= message
      end(undefined)
    })
    child.on('close', (code) => end(code ?? undefined))
  })
}

/** Puts lines together from pieces, for whoever is told whole ones only. A line without an end is cut. */
export function inLines(onLine: (line: string) => void, longest = KEPT_BYTES): (text: string) => void {
  let rest = ''
  return (text) => {
    const lines = (rest + text).split(/\r?\n|\r/)
    rest = lines.pop()!.slice(0, longest)
    for (const line of lines) onLine(line)
  }
}

/** Sends a signal to a process that leads a group, and to all of its children. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // they have ended
  }
}
