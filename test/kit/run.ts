import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { eventually } from './eventually.ts'

/** Result of a finished command. */
export interface Finished {
  code: number | null
  stdout: string
  stderr: string
}

export interface Running {
  process: ChildProcess
  /** Output so far. */
  stdout(): string
  stderr(): string
  /** Waits until stdout matches. */
  prints(pattern: RegExp): Promise<RegExpMatchArray>
  /** Resolves when it has ended. */
  finished: Promise<Finished>
}

const PATIENCE = { withinMs: 60_000 }

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** Runs `vidwiz …` in a separate process. Its environment is `env`, PATH and HOME only. */
export const vidwiz = (args: string[], env: NodeJS.ProcessEnv = {}): Running =>
  run(process.execPath, ['--disable-warning=ExperimentalWarning', file('services/cli/main.ts'), ...args], env)

/** The same by `bin/vidwiz`, as people run it; `by` is a program with arguments that runs it. */
export function binVidwiz(args: string[], env: NodeJS.ProcessEnv = {}, by: string[] = []): Running {
  const [program, ...more] = [...by, file('bin/vidwiz'), ...args]
  return run(program!, more, env)
}

function run(program: string, args: string[], env: NodeJS.ProcessEnv): Running {
  const { PATH, HOME } = process.env
  const child = spawn(program, args, { env: { PATH, HOME, ...env } })
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
        // A start has many processes, which takes long on a busy machine.
      }, PATIENCE),
    finished: once(child, 'close').then(([code]) => ({ code, stdout, stderr })),
  }
}
