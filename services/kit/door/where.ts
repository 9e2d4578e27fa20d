import { setTimeout as sleep } from 'node:timers/promises'
import { databaseIn, inDatabase } from '#platform/pg/address.ts'
import type { Queryable } from '#platform/pg/pool.ts'

/** Folder of the migrations of the door's database. */
export const MIGRATIONS = new URL('./migrations/', import.meta.url)

/** Notified in our database when the door is opened or closed, and in the door's database when a worker has written. */
export const CHANNEL = 'door'

export interface DoorPlace {
  /** Name of its database, and of the workers' role. */
  name: string
  /** URL of its database, for our own user. */
  url: string
}

/** Postgres cuts off longer names. */
const LONGEST = 63
const SUFFIX = '_door'

/** The door of a database: another database of the same server. */
export function doorOf(databaseUrl: string): DoorPlace {
  const name = `${Buffer.from(databaseIn(databaseUrl)).subarray(0, LONGEST - SUFFIX.length)}${SUFFIX}`
  return { name, url: inDatabase(databaseUrl, name) }
}

/** Whether an installation has a door. */
export async function isOpen(db: Queryable): Promise<boolean> {
  const [door] = await db.query('door.open', 'select from log.door')
  return door !== undefined
}

/** Whether workers can see a job behind the door; true without a door. */
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
 * Waits until workers can see a job behind the door. To be called before its message is sent:
 * a worker that does not find the job drops the message.
 * @returns false when that took too long, because media-door does not run or cannot keep up
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
