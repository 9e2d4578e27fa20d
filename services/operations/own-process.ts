import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { promisify } from 'node:util'

/** Our programs that run services in their own process, and the words before the service names in the arguments. */
const RUNNERS: readonly { program: RegExp; before: readonly string[] }[] = [
  { program: /(^|\/)services\/process\.ts$/, before: [] },
  { program: /(^|\/)services\/cli\/main\.ts$/, before: ['run'] },
]

/**
 * Whether a command line runs a service of ours in its own process. Pure.
 * @param args the program and its arguments, as the operating system reports them
 */
export function runsService(args: readonly string[], service: string): boolean {
  return RUNNERS.some(({ program, before }) => {
    const at = args.findIndex((arg) => program.test(arg))
    if (at < 0) return false
    const rest = args.slice(at + 1)
    // Options may stand before or after the names: `run --api-url http://here transcript-helper`.
    return (
      before.every((word, i) => rest[i] === word) && rest.slice(before.length).some((arg) => arg.split(',').includes(service))
    )
  })
}

/** The command line of a process on this host; empty when there is no such process or we may not see it. */
export async function argumentsOf(pid: number): Promise<string[]> {
  if (process.platform === 'linux') {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    return line.split('\0').filter((arg) => arg !== '')
  }
  const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'args=', '-p', String(pid)]).catch(() => ({ stdout: '' }))
  return stdout.split(/\s+/).filter((arg) => arg !== '')
}

/** Whether an owner (the process that holds a consumer's checkpoints) is our process on this host: only then may it be killed. */
export const isOwnProcess = async ({ host, pid, service }: { host: string; pid: number; service: string }): Promise<boolean> =>
  host === hostname() && runsService(await argumentsOf(pid), service)
