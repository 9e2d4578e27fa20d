import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const QUIET = ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning']
/** The flags of `vidwiz rebuild`. */
const REBUILDING = ['--max-semi-space-size=8']

interface ChildOptions {
  /** More of its environment. */
  env?: NodeJS.ProcessEnv
  flags?: string[]
}

/** Starts a file of this folder as a process of its own. */
export const start = (file: string, args: string[] = [], { env = {}, flags = REBUILDING }: ChildOptions = {}): ChildProcess =>
  fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    env: { ...process.env, ...env },
    execArgv: [...QUIET, ...flags],
  })

/** The next thing a process says. @throws when it ends before */
export async function heard<T>(child: ChildProcess): Promise<T> {
  const enough = new AbortController()
  const { signal } = enough
  const ended = once(child, 'exit', { signal }).then(([code, how]) => {
    throw new Error(`${child.spawnargs.at(-1)} ended with ${code ?? how}`)
  })
  try {
    const [message] = await Promise.race([once(child, 'message', { signal }), ended])
    return message as T
  } finally {
    // Many who listen to one process would pile up.
    ended.catch(() => {})
    enough.abort()
  }
}

/** Runs a file of this folder to its end. @returns what it said */
export async function result<T>(file: string, args: string[] = []): Promise<T> {
  const child = start(file, args)
  const said = await heard<T>(child)
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return said
}
