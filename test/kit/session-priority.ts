import { readFileSync, writeFileSync } from 'node:fs'
import type { Db } from '#platform/pg/pool.ts'

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

/**
 * Whether sessions have priorities that count, and this user may change those of the database: it is on this machine, and not another
 * user's.
 */
export async function mayLower(db: Db): Promise<boolean> {
  if (textOf('/proc/sys/kernel/sched_autogroup_enabled').trim() !== '1') return false
  return db.connection(async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    const { pid } = rows[0]!
    if (!textOf(`/proc/${pid}/cmdline`).startsWith('postgres:')) return false
    try {
      writeFileSync(`/proc/${pid}/autogroup`, String(sessionPriority(pid)))
      return true
    } catch (error) {
      // Another one was changed just now.
      return (error as NodeJS.ErrnoException).code === 'EAGAIN'
    }
  })
}
