import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const ps = (pid: number, column: string) =>
  spawnSync('ps', ['-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() || undefined

const proc = (pid: number, file: string) => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return undefined
  }
}

/** The command line of a process; undefined when it is dead, a zombie or hidden. Pids are reused, so a pid alone identifies nothing. */
export const commandLine = (pid: number): string | undefined =>
  process.platform === 'linux' ? proc(pid, 'cmdline')?.replaceAll('\0', ' ') || undefined : ps(pid, 'command')

/** A lasting identity of a process: its pid and its start time. Undefined when it is dead. */
export function identity(pid: number): string | undefined {
  const since = process.platform === 'linux' ? startTicks(pid) : ps(pid, 'lstart')
  return since && `${pid}@${since}`
}

/** The Unix session of a process: the pid of the process that leads it. Undefined when the process is dead, or not on Linux. */
export function sessionOf(pid: number): number | undefined {
  const session = statFields(pid)?.[3]
  return session === undefined ? undefined : Number(session)
}

/**
 * Fields 3 and following of /proc/<pid>/stat; undefined when the process is dead, or not on Linux. The second, the name in brackets, may
 * contain any characters.
 */
export const statFields = (pid: number) => proc(pid, 'stat')?.split(') ').at(-1)?.split(' ')

/** Field 22. A zombie whose other threads (field 20) are still ending has its ports still. */
function startTicks(pid: number): string | undefined {
  const fields = statFields(pid)
  return fields?.[0] === 'Z' && Number(fields[17]) <= 1 ? undefined : fields?.[19]
}

/** Waits until `condition` is true; resolves to false when it is not in time. */
export async function until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > deadline) return false
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
  return true
}

/** The pids of all other processes whose command line contains this text. */
export const processesCalledWith = (text: string): number[] =>
  everyPid().filter((pid) => pid !== process.pid && commandLine(pid)?.includes(text))

const everyPid = (): number[] =>
  process.platform === 'linux'
    ? readdirSync('/proc').map(Number).filter(Boolean)
    : (spawnSync('ps', ['-axo', 'pid='], { encoding: 'utf8' }).stdout ?? '').split('\n').map(Number).filter(Boolean)
