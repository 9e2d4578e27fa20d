import type { Socket } from 'node:net'
import type pg from 'pg'
import { asBackground } from '../background.ts'
import { commandLine } from '../processes.ts'

/**
 * Lowers the priority of the process of Postgres that serves a connection while `work` runs, if this process gave way (see
 * background.ts) and both are on one machine.
 */
export const withLowPriority = <T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> =>
  asBackground(() => localBackend(client), work)

/**
 * The process of Postgres that serves a connection; undefined when it is on another machine, or cannot be told for certain. Behind a
 * pooler the connection is not its own, so it is undefined there as well.
 */
function localBackend(client: pg.ClientBase): number | undefined {
  const { processID, connection } = client as unknown as { processID: number | null; connection: { stream: Socket } }
  const { localAddress, remoteAddress, localPort } = connection.stream
  if (!processID || localPort === undefined || localAddress !== remoteAddress) return undefined
  // Postgres titles it `postgres: user database 127.0.0.1(port) …`, with the port of the client.
  const title = commandLine(processID)
  return title?.startsWith('postgres:') && title.includes(`(${localPort}) `) ? processID : undefined
}
