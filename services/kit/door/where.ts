import { setTimeout as sleep } from 'node:timers/promises'
import type { Queryable } from '#platform/pg/pool.ts'

/** Where migrations of the door's own database lie. */
export const MIGRATIONS = new URL('./migrations/', import.meta.url)

/** Told in our database when the door is opened or closed, and in the door's when a worker has written. */
export const CHANNEL = 'door'

export interface DoorPlace {
  /** Name of its database, and of the role of the workers. */
  name: string
  /** Of its database, for us. */
  url: string
}

/** Postgres cuts longer names. */
const LONGEST = 63
const SUFFIX = '_door'

/** The door of a database: another database of the same server. */
export function doorOf(databaseUrl: string): DoorPlace {
  const url = new URL(databaseUrl)
  const name = `${Buffer.from(decodeURIComponent(url.pathname.slice(1))).subarray(0, LONGEST - SUFFIX.length)}${SUFFIX}`
  url.pathname = `/${encodeURIComponent(name)}`
  return { name, url: url.href }
}

/** Whether there is a door. */
export async function isOpen(db: Queryable): Promise<boolean> {
  const [door] = await db.query('door.open', 'select from log.door')
  return door !== undefined
}

/** Whether workers find a job behind the door, or there is none to look behind. */
export async function isShown(db: Queryable, { videoId, jobId }: { videoId: string; jobId: number }): Promise<boolean> {
  const [door] = await db.query<{ shown: boolean }>(
    'door.shown',
    'select coalesce(shows ->> $1 = $2, false) as shown from log.door',
    [videoId, String(jobId)],
  )
  return door?.shown ?? true
}

const LOOK_MS = 100
const PATIENCE_MS = 5_000

/**
 * Waits until workers find a job behind the door: before its message is sent, for who looks at once and finds nothing drops it.
 * @returns false when that took too long, since nobody attends to the door or it cannot keep up
 */
export async function untilShown(
  db: Queryable,
  job: { videoId: string; jobId: number },
  { withinMs = PATIENCE_MS }: { withinMs?: number } = {},
): Promise<boolean> {
  const until = Date.now() + withinMs
  while (!(await isShown(db, job))) {
    if (Date.now() > until) return false
    await sleep(LOOK_MS)
  }
  return true
}
