import pg from 'pg'

export type Row = Record<string, unknown>

/** Runs statements by name: the server plans each one once per connection. */
export interface Queryable {
  /**
   * @param name of the prepared statement, unique for its text
   * @returns the rows; int8 as number, timestamptz and json as text
   */
  query<R extends object = Row>(name: string, text: string, values?: unknown[]): Promise<R[]>
}

export interface Db extends Queryable {
  /** Runs `work` in one transaction on one connection; what it throws rolls back. */
  tx<T>(work: (tx: pg.PoolClient) => Promise<T>): Promise<T>
  /** Lends a connection for what the other two cannot do (COPY, session locks). */
  connection<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface DbOptions {
  /** Most connections. */
  max?: number
  /** Shown in pg_stat_activity. */
  name?: string
  /** False for what can be derived again, such as views: a crash of the server may then undo the last commits. */
  durable?: boolean
  /**
   * True where every statement has an index to use. A prepared statement keeps its plan, also one that was made on the day
   * the tables were empty and scans them; this rules such plans out.
   */
  indexed?: boolean
}

/** One set of parsers for every connection: what the log holds to the letter stays text. */
const parsers: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: unknown) {
    if (oid === pg.types.builtins.INT8) return Number
    if (oid === pg.types.builtins.TIMESTAMPTZ || oid === pg.types.builtins.JSON) return (text: string) => text
    return pg.types.getTypeParser(oid, format as 'text')
  },
}

/** Connection settings shared by pools and the listener. */
export function connectionOptions(
  url: string,
  { name = 'vidwiz', durable = true, indexed = false }: DbOptions = {},
): pg.ClientConfig {
  const settings = ['-c timezone=UTC', durable ? '' : '-c synchronous_commit=off', indexed ? '-c enable_seqscan=off' : '']
  return { connectionString: url, application_name: name, types: parsers, options: settings.join(' '), keepAlive: true }
}

/** Opens a pool of connections to Postgres. Nothing connects before the first query. */
export function openDb(url: string, options: DbOptions = {}): Db {
  const pool = new pg.Pool({ ...connectionOptions(url, options), max: options.max ?? 10, idleTimeoutMillis: 30_000 })
  // An idle connection that the server closed is replaced by the next query; without a listener it would end the process.
  pool.on('error', () => {})
  // The same between being lent and being listened to by who borrows it.
  pool.on('connect', (client) => client.on('error', () => {}))

  const connection = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect()
    let broken: Error | undefined
    const onError = (error: Error) => {
      broken = error
    }
    client.on('error', onError)
    try {
      return await work(client)
    } finally {
      client.off('error', onError)
      client.release(broken)
    }
  }

  return {
    query: <R extends object>(name: string, text: string, values: unknown[] = []) =>
      connection(async (client) => {
        try {
          return (await client.query<R & pg.QueryResultRow>({ name, text, values })).rows
        } catch (error) {
          await isOver(client)
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
          // When the connection itself broke there is nothing left to roll back; the first error is the one to tell.
          await client.query('rollback').catch(() => {})
          throw error
        }
      }),
    close: () => pool.end(),
  }
}

/** An error arrives before its transaction has let go of its locks: who tried again at once would meet them. */
const isOver = (client: pg.PoolClient) => client.query('').catch(() => {})

/** The connection of a transaction, to run statements on by name. */
export const within = (tx: pg.PoolClient): Queryable => ({
  query: async <R extends object>(name: string, text: string, values: unknown[] = []) =>
    (await tx.query<R & pg.QueryResultRow>({ name, text, values })).rows,
})
