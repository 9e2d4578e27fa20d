import pg from 'pg'
import type { Logger } from '../telemetry/logger.ts'
import { applicationName } from './application-name.ts'
import { type Bounds, boundsText } from './bounds.ts'
import { type ClientOptions, PinnedClient } from './client.ts'
import { asConnectionError, ConnectionLost, isReadOnly } from './errors.ts'
import { type Incarnations, openIncarnations } from './incarnation.ts'
import { denialsOf, lossesOf } from './losses.ts'
import type { Manner } from './pins.ts'

export type Row = Record<string, unknown>

/** Runs prepared statements by name: the server prepares each of them once per connection. */
export interface Queryable {
  /**
   * @param name of the prepared statement, unique for its text
   * @returns the rows; int8 as number, timestamptz and json as text
   */
  query<R extends object = Row>(name: string, text: string, values?: unknown[]): Promise<R[]>
}

export interface Db extends Queryable {
  /** Runs `work` in one transaction on one connection; an error of `work` rolls back. */
  tx<T>(work: (tx: pg.PoolClient) => Promise<T>): Promise<T>
  /** Lends a connection for what `query` and `tx` cannot do (COPY, session locks). */
  connection<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>
  /** The incarnations of the server that the connections reach. */
  readonly incarnations: Incarnations
  close(): Promise<void>
}

export interface DbOptions extends Manner {
  /** Maximum number of connections. */
  max?: number
  /** Shown in pg_stat_activity, together with the process. */
  name?: string
  /** How long connecting and statements may take; unlimited if not given. */
  bounds?: Bounds | undefined
  /** Logs when connections are lost and when they are back. */
  log?: Pick<Logger, 'warn' | 'info'> | undefined
}

/** Parsers for every connection. timestamptz and json stay text, because the log has to return them unchanged to the letter. */
const parsers: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: unknown) {
    if (oid === pg.types.builtins.INT8) return Number
    if (oid === pg.types.builtins.TIMESTAMPTZ || oid === pg.types.builtins.JSON) return (text: string) => text
    return pg.types.getTypeParser(oid, format as 'text')
  },
}

/** The options with which pools and the listener connect. */
export function connectionOptions(
  url: string,
  { name = 'vidwiz', durable = true, indexed = false }: DbOptions = {},
): ClientOptions {
  return { url, durable, indexed, application_name: applicationName(name), types: parsers, keepAlive: true }
}

/** No server takes longer to accept a connection, unless packets are lost. */
const CONNECT_MS = 30_000

/** Bounds the connection attempt, but not the wait for a free connection of the pool. */
class ConnectingClient extends PinnedClient {
  constructor(options: ClientOptions) {
    super({ ...options, connectionTimeoutMillis: CONNECT_MS })
  }
}

/** Opens the driver's pool itself, for libraries that run their own statements. */
export function openPool(
  url: string,
  { bounds, met, ...options }: DbOptions & { met?: (client: pg.ClientBase) => Promise<string> } = {},
): pg.Pool {
  return new pg.Pool({
    ...connectionOptions(url, options),
    Client: bounds ? PinnedClient : ConnectingClient,
    max: options.max ?? 10,
    idleTimeoutMillis: 30_000,
    // connectionTimeoutMillis also bounds the wait for a pooled connection. Without `bounds`, work may hold all of them for long.
    ...(bounds && { connectionTimeoutMillis: bounds.connectMs, query_timeout: bounds.answerMs }),
    onConnect: async (client: pg.PoolClient) => {
      if (bounds) await client.query(boundsText(bounds))
      await met?.(client)
    },
  } as object)
}

/** Opens a pool of connections to Postgres. Nothing connects before the first query. */
export function openDb(url: string, options: DbOptions = {}): Db {
  const { incarnations, met } = openIncarnations()
  const pool = openPool(url, { ...options, met })
  const losses = lossesOf(options.log, { pool: options.name ?? 'vidwiz' })
  const denials = denialsOf(options.log, { pool: options.name ?? 'vidwiz' })
  // The next query replaces an idle connection that the server closed; without a listener its error would end the process.
  pool.on('error', losses.lost)
  // The same for an error after the pool lends a connection and before `connection` below adds its listener.
  pool.on('connect', (client) => client.on('error', () => {}))

  const connect = () =>
    pool.connect().catch((error) => {
      const known = asConnectionError(error, true)
      losses.lost(known)
      throw known
    })

  const connection = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await connect()
    let broken: Error | undefined
    let isStale = false
    const onError = (error: Error) => {
      broken = error
    }
    client.on('error', onError)
    try {
      const result = await work(client)
      if (losses.isLost) losses.back()
      return result
    } catch (error) {
      const known = asConnectionError(error)
      // This includes a missing answer: a late answer would reach the next user of the connection, so it is closed.
      if (known instanceof ConnectionLost) broken ??= known
      // A session keeps its initial defaults: only a new connection sees that writing is allowed again, or finds the writable server.
      isStale = isReadOnly(known)
      throw known
    } finally {
      client.off('error', onError)
      if (isStale && !broken && !incarnations.areDirect()) await endSession(client)
      if (broken) losses.lost(broken)
      client.release(broken ?? isStale)
    }
  }

  return {
    query: <R extends object>(name: string, text: string, values: unknown[] = []) =>
      connection(async (client) => {
        try {
          const { rows } = await client.query<R & pg.QueryResultRow>({ name, text, values })
          if (denials.isDenied) denials.worked(name)
          return rows
        } catch (error) {
          denials.failed(name, error)
          if (!(asConnectionError(error) instanceof ConnectionLost)) await isOver(client)
          throw error
        }
      }),
    connection,
    tx: (work) =>
      connection(async (client) => {
        await client.query('begin')
        try {
          const result = await work(client)
          await client.query('commit')
          return result
        } catch (error) {
          // A broken connection has nothing left to roll back; the first error is the one to report.
          if (!(asConnectionError(error) instanceof ConnectionLost)) await client.query('rollback').catch(() => {})
          throw error
        }
      }),
    incarnations,
    close: () => pool.end(),
  }
}

/**
 * Waits until the failed statement's transaction has released its locks: its error arrives earlier, and an immediate retry would
 * wait for these locks.
 */
const isOver = (client: pg.PoolClient) => client.query('').catch(() => {})

/**
 * Ends the session of a connection on the server. Behind a pooler, closing the connection is not enough: the pooler keeps the session,
 * with its initial defaults, for the next client.
 */
const endSession = (client: pg.PoolClient) =>
  client.query('select pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())').catch(() => {})

/** Runs prepared statements by name on the connection of a transaction. */
export const inTransaction = (tx: pg.PoolClient): Queryable => ({
  query: async <R extends object>(name: string, text: string, values: unknown[] = []) =>
    (await tx.query<R & pg.QueryResultRow>({ name, text, values })).rows,
})
