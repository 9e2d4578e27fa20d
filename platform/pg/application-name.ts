import { randomBytes } from 'node:crypto'

/** Process ids are reused, and each container has its own; the random part makes the name unique. */
const PROCESS = `${process.pid}-${randomBytes(3).toString('hex')}`

const LISTENER = ' listener'
/** Postgres truncates longer names. */
const LONGEST = 63

/**
 * The application name of the connections of one service in one process, for example `vidwiz projector 4711-9f3a0c`; its listening
 * connection is named `vidwiz projector 4711-9f3a0c listener`. No other process has this name, so an operator can end all
 * connections of a frozen process and none of another.
 */
export function applicationName(name: string, { listens = false } = {}): string {
  const short = name.slice(0, LONGEST - LISTENER.length - PROCESS.length - 1)
  return `${short} ${PROCESS}${listens ? LISTENER : ''}`
}

/** SQL for the part of the name that connections of one service in one process share. PgBouncer may append its client's address. */
export const sameName = (column: string): string => `regexp_replace(${column}, '( listener)?( - .*)?$', '')`

/** SQL for whether a connection's name tells its process, so that no other process has it. */
export const namesProcess = (column: string): string => `${column} ~ ' \\d+-[0-9a-f]{6}( listener)?( - .*)?$'`
