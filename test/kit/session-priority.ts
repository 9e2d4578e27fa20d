import { readFileSync } from 'node:fs'

const textOf = (file: string) => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** The priority of the session that a process belongs to, on Linux: from -20, the highest, to 19. */
export function sessionPriority(pid: number): number | undefined {
  const nice = /nice (-?\d+)/.exec(textOf(`/proc/${pid}/autogroup`))?.[1]
  return nice === undefined ? undefined : Number(nice)
}

/** Whether the system shares processors between sessions, so that these priorities count. */
export const sessionsHavePriorities = (): boolean => textOf('/proc/sys/kernel/sched_autogroup_enabled').trim() === '1'
