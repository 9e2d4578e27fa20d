import { spawn } from 'node:child_process'

/** How a program ended. */
export interface Ended {
  /** Exit code; undefined when the program could not be started or was killed. */
  code: number | undefined
  stdout: string
  stderr: string
}

export interface Bounds {
  env: NodeJS.ProcessEnv
  timeoutMs: number
  signal?: AbortSignal
  /** Called for each line that the program prints, while it runs. */
  onLine?(line: string): void
}

const KEPT_BYTES = 1024 * 1024

/** Runs a program until it exits, in its own process group, which is killed on a timeout or abort. Never rejects. */
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

/** Assembles lines from pieces of text and passes on whole lines only. An endless line is cut. */
export function inLines(onLine: (line: string) => void, longest = KEPT_BYTES): (text: string) => void {
  let rest = ''
  return (text) => {
    const lines = (rest + text).split(/\r?\n|\r/)
    rest = lines.pop()!.slice(0, longest)
    for (const line of lines) onLine(line)
  }
}

/** Sends a signal to all processes of a group, given its leader's pid. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // they have ended
  }
}
