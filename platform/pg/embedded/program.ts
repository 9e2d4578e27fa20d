import { spawn } from 'node:child_process'
import { EmbeddedPostgresError } from './error.ts'

/** The account under which the server and its tools run. Undefined: the account of this process. */
export type Account = { uid: number; gid: number } | undefined

/** Keeps the caller's PG* and locale variables from the server; with LC_ALL=C its messages are the English ones that we match. */
export const environment = (): NodeJS.ProcessEnv => ({ PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' })

/**
 * Runs one of Postgres's programs until it exits. Resolves to its output.
 * @param input written to its stdin
 * @throws EmbeddedPostgresError with the program's error message
 */
export function runProgram(program: string, args: string[], { account, input = '' }: { account: Account; input?: string }) {
  return new Promise<string>((resolve, reject) => {
    // The account may not be allowed to enter the working directory, but it can enter `/`.
    const child = spawn(program, args, { ...account, cwd: '/', env: environment() })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    child.on('error', (error) => reject(new EmbeddedPostgresError(`${program} cannot be started (${error.message})`)))
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output)
      else reject(new EmbeddedPostgresError(`${program} failed (${signal ?? `exit ${code}`}): ${complaint(output)}`))
    })
    child.stdin.on('error', () => {}) // it ended before reading; its exit code tells why
    child.stdin.end(input)
  })
}

/** The line of an output that most likely says what is wrong. */
export function complaint(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  const worst = lines.findLast((line) => /\b(FATAL|PANIC)\b/.test(line)) ?? lines.findLast((line) => /\berror\b/i.test(line))
  return (worst ?? lines.at(-1) ?? 'it printed nothing').trim()
}
