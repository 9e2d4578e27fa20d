import pg from 'pg'
import { codeOf } from '../errors.ts'
import { USER } from './cluster.ts'

const DATABASE = 'vidwiz'
const WRONG_PASSWORD = '28P01'
const EXISTS_ALREADY = ['42P04', '23505'] // duplicate_database, or a unique violation when two processes create it at once

const urlOf = (port: number, password: string, database: string) =>
  `postgres://${USER}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`

/** The connection string of the embedded database. */
export const postgresUrl = (port: number, password: string): string => urlOf(port, password, DATABASE)

async function connected<T>(port: number, password: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: urlOf(port, password, 'postgres'), connectionTimeoutMillis: 10_000 })
  client.on('error', () => {}) // the running query reports it
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => {})
  }
}

/** True when the server accepts the password, false when it rejects it. @throws any other connection error */
export async function accepts(port: number, password: string): Promise<boolean> {
  try {
    await connected(port, password, (client) => client.query('select 1'))
    return true
  } catch (error) {
    if (codeOf(error) === WRONG_PASSWORD) return false
    throw error
  }
}

/** Creates the database if it does not exist. @returns its connection string */
export async function ensureDatabase(port: number, password: string): Promise<string> {
  await connected(port, password, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE])
    if (rowCount) return
    await client.query(`create database ${DATABASE}`).catch((error) => {
      if (!EXISTS_ALREADY.includes(codeOf(error) ?? '')) throw error
    })
  })
  return postgresUrl(port, password)
}
