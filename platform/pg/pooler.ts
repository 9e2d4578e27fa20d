import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { within } from '#platform/deadline.ts'
import { OperatorError } from '../operator-error.ts'
import { messageOf } from './errors.ts'

/** How long a pooler may take to provide a second connection. */
const LEND_MS = 5_000
/** Checks per probe. A single check can miss a shared server connection while other clients use the pooler. */
const ROUNDS = 4
/** How long the answer for a URL is cached: the mode of a pooler can change while this process runs. */
const HOLDS_MS = 60_000

const PID = 'select pg_catalog.pg_backend_pid() as pid'

const answers = new Map<string, Promise<void>>()

/**
 * Checks that a pooler keeps one server connection for each of our connections. Prepared statements, LISTEN, the advisory locks that
 * make one process the owner of a consumer's checkpoints, and session settings need that.
 * @param client connected through a pooler; no settings have been changed on it
 * @param config to open a second connection
 * @param key under which the answer is cached
 * @throws OperatorError when the pooler assigns server connections by transaction or by statement
 */
export function keepsSessions(client: pg.Client, config: pg.ClientConfig, key: string): Promise<void> {
  const known = answers.get(key)
  if (known) return known
  const answer = probe(client, config)
  answers.set(key, answer)
  const forget = () => void (answers.get(key) === answer && answers.delete(key))
  answer.then(() => setTimeout(forget, HOLDS_MS).unref(), forget)
  return answer
}

async function probe(one: pg.Client, config: pg.ClientConfig): Promise<void> {
  const other = new pg.Client({
    ...config,
    application_name: `vidwiz pooler ${randomUUID().slice(0, 8)}`,
    connectionTimeoutMillis: LEND_MS,
  })
  other.on('error', () => {})
  try {
    await lent(other)
    // While one client holds a transaction, the other gets another server connection than before if the pooler shares them.
    const was = { one: await pidOf(one), other: await pidOf(other) }
    if (was.one === was.other) throw refused()
    for (let round = 0; round < ROUNDS; round++) {
      const [holder, asker] = round % 2 ? [one, other] : [other, one]
      await holder.query('begin').catch((error) => {
        throw refused(error)
      })
      const now = { holder: await pidOf(holder), asker: await pidOf(asker) }
      await holder.query('rollback')
      const [mine, theirs] = round % 2 ? [now.holder, now.asker] : [now.asker, now.holder]
      if (mine !== was.one || theirs !== was.other) throw refused()
    }
  } finally {
    await other.end().catch(() => {})
  }
}

async function lent(client: pg.Client) {
  try {
    await client.connect()
    await within(LEND_MS, pidOf(client), () => {
      throw new Error(`no server connection within ${LEND_MS / 1000} s`)
    })
  } catch (error) {
    throw new OperatorError(
      `the pooler that DB_URL leads to lends no second connection (${messageOf(error)}): ` +
        'every process of VidWiz needs up to 15, so raise the size of its pool, or let DB_URL lead to Postgres itself',
      { cause: error },
    )
  }
}

const pidOf = async (client: pg.Client): Promise<number> => (await client.query(PID)).rows[0].pid

const refused = (cause?: unknown) =>
  new OperatorError(
    'DB_URL leads to a pooler that hands out connections by transaction or by statement, which loses prepared statements, LISTEN and ' +
      'locks: use its session mode (PgBouncer: pool_mode = session), or let DB_URL lead to Postgres itself',
    { cause },
  )
