import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { eventually } from './eventually.ts'

/** What a finished command left behind. */
export interface Finished {
  code: number | null
  stdout: string
  stderr: string
}

export interface Running {
  process: ChildProcess
  /** What it printed so far. */
  stdout(): string
  stderr(): string
  /** Waits until it printed this. */
  prints(pattern: RegExp): Promise<RegExpMatchArray>
  /** Waits for its end. */
  finished: Promise<Finished>
}

const cli = fileURLToPath(new URL('../../services/cli/main.ts', import.meta.url))

/** Runs `vidwiz …` as a process of its own. The environment is what is given here and no more, beside PATH and HOME. */
export function vidwiz(args: string[], env: NodeJS.ProcessEnv = {}): Running {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', cli, ...args], { env: { PATH, HOME, ...env } })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  return {
    process: child,
    stdout: () => stdout,
    stderr: () => stderr,
    prints: (pattern) =>
      eventually(() => {
        const found = stdout.match(pattern)
        expect(found, `printed so far:\n${stdout}\n${stderr}`).to.not.equal(null)
        return found!
      }),
    finished: once(child, 'close').then(([code]) => ({ code, stdout, stderr })),
  }
}
