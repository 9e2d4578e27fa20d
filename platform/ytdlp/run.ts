import type { ChildProcess } from 'node:child_process'
import wrap from 'yt-dlp-wrap'
import { killGroup } from '../program.ts'
import { pythonEnvironment } from '../python/environment.ts'

/** How yt-dlp ended. */
export interface Ran {
  ok: boolean
  stdout: string
  /** Its warnings and errors, one per line. */
  stderr: string
}

export interface RunBounds {
  timeoutMs: number
  signal: AbortSignal
  /** The working directory. */
  cwd: string
}

/** yt-dlp was killed before it ended by itself. */
export class CutShort extends Error {
  override name = 'CutShort'
  readonly why: 'stopped' | 'late' | 'too much output'
  constructor(why: CutShort['why']) {
    super(`yt-dlp was cut short: ${why}`)
    this.why = why
  }
}

/** Ten times what a video with captions in all of YouTube's languages needs. */
const MOST_BYTES = 32 * 1024 * 1024
const KILL_AFTER_MS = 2_000

/**
 * Runs yt-dlp until it exits, with bounded time and output; its child processes end with it.
 * @throws CutShort when it had to be killed
 */
export function runYtDlp(path: string, args: readonly string[], { timeoutMs, signal, cwd }: RunBounds): Promise<Ran> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new CutShort('stopped'))
    const run = new wrap.default(path).exec([...args], { env: pythonEnvironment(), cwd, detached: true })
    const child = run.ytDlpProcess as unknown as ChildProcess
    const collected = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
    let bytes = 0
    let why: CutShort['why'] | undefined
    let killing: NodeJS.Timeout | undefined

    // The wrapper's own abort lists child processes with a shell; killing the process group needs no list.
    const cut = (reason: CutShort['why']) => {
      if (why) return
      why = reason
      killGroup(child.pid, 'SIGTERM')
      killing = setTimeout(() => killGroup(child.pid, 'SIGKILL'), KILL_AFTER_MS)
    }
    const onAbort = () => cut('stopped')
    signal.addEventListener('abort', onAbort)
    const late = setTimeout(() => cut('late'), timeoutMs)
    for (const name of ['stdout', 'stderr'] as const)
      child[name]!.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > MOST_BYTES) return cut('too much output')
        collected[name].push(chunk)
      })

    const settle = (failure?: Error) => {
      clearTimeout(late)
      clearTimeout(killing)
      signal.removeEventListener('abort', onAbort)
      // Kills child processes that it left behind.
      killGroup(child.pid, 'SIGKILL')
      if (why) return reject(new CutShort(why))
      const text = (name: keyof typeof collected) => Buffer.concat(collected[name]).toString()
      resolve({ ok: !failure, stdout: text('stdout'), stderr: text('stderr') || (failure?.message.trim() ?? '') })
    }
    run.on('close', () => settle())
    run.on('error', settle)
  })
}
