import { spawn } from 'node:child_process'
import { EmbeddedPostgresError } from './error.ts'

/** Whom the server and its tools run as. Undefined means: as this process. */
export type Account = { uid: number; gid: number } | undefined

/** Nothing of the caller's PG* or locale settings reaches the server; C makes its messages the ones we know. */
export const environment = (): NodeJS.ProcessEnv => ({ PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' })

/**
 * Runs one of Postgres' programs to its end.
 * @param input what it reads
 * @throws EmbeddedPostgresError with what the program complained about
 */
export function runProgram(program: string, args: string[], { account, input = '' }: { account: Account; input?: string }) {
  return new Promise<string>((resolve, reject) => {
    // The working directory may be closed to the account; the root is open to all.
    const child = spawn(program, args, { ...account, cwd: '/', env: environment() })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    child.on('error', (error) => reject(new EmbeddedPostgresError(`${program} cannot be started (${error.message})`)))
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output)
      else reject(new EmbeddedPostgresError(`${program} failed (${signal ?? `exit ${code}`}): ${complaint(output)}`))
    })
    child.stdin.on('error', () => {}) // it ended before it read; its exit tells
    child.stdin.end(input)
  })
}

/** The one line of an output that says what is wrong. */
export function complaint(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  const worst = lines.findLast((line) => /\b(FATAL|PANIC)\b/.test(line)) ?? lines.findLast((line) => /\berror\b/i.test(line))
  return (worst ?? lines.at(-1) ?? 'it said nothing').trim()
}
