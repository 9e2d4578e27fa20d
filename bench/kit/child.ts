import { type ChildProcess, type ForkOptions, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const QUIET = ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning']
/** Flags of `vidwiz rebuild`. */
const REBUILDING = ['--max-semi-space-size=8']

interface ChildOptions {
  /** Additional environment. */
  env?: NodeJS.ProcessEnv
  flags?: string[]
  /** In a session of its own, as replays of the command line and of the page are. */
  detached?: boolean
}

/** Starts a file of this folder as a separate process. */
export const start = (
  file: string,
  args: string[] = [],
  { env = {}, flags = REBUILDING, detached = false }: ChildOptions = {},
): ChildProcess =>
  fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    env: { ...process.env, ...env },
    execArgv: [...QUIET, ...flags],
    detached,
  } as ForkOptions)

/** Next message of a process. @throws Error if it ends first */
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
    // Remove the listener: they would pile up on a process that is asked often.
    ended.catch(() => {})
    enough.abort()
  }
}

/** Runs a file of this folder until it ends. @returns its message */
export async function result<T>(file: string, args: string[] = []): Promise<T> {
  const child = start(file, args)
  const said = await heard<T>(child)
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return said
}
