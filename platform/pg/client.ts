import pg from 'pg'
import { OperatorError } from '../operator-error.ts'
import { type Address, addressesOf, shown } from './address.ts'
import { codeOf, messageOf, NOT_ALLOWED } from './errors.ts'
import { type Look, lookAndPin, type Manner, pinsOf } from './pins.ts'
import { keepsSessions } from './pooler.ts'

/** How long one of several servers may take to answer before the next is tried. */
const ANSWER_MS = 5_000
const CANCELLED = '57014'
/**
 * Attempts of the first statement, the slowest of a session. Where a role has a statement_timeout of about 1 ms, it can be cancelled
 * before it lifts that timeout.
 */
const LOOKS = 10
/** Errors from servers and poolers that accept no connection without TLS. */
const NO_TLS = /no encryption|SSL (off|required)/i

export interface ClientOptions extends pg.ClientConfig, Manner {
  url: string
}

/** For URLs with several addresses: the address of the last connection. */
const chosen = new Map<string, Address>()

/**
 * A connection that behaves as our statements need it once `connect` is done: the server is writable, all settings are pinned, and
 * no pooler shares its session.
 */
export class PinnedClient extends pg.Client {
  readonly #options: ClientOptions
  readonly #addresses: Address[]

  /** @throws OperatorError when the URL is invalid */
  constructor(options: ClientOptions) {
    const addresses = addressesOf(options.url)
    super({ ...options, ...addresses[0] })
    this.#options = options
    this.#addresses = addresses
  }

  override connect(): Promise<this>
  override connect(callback: (error: Error) => void): void
  override connect(callback?: (error: Error) => void): Promise<this> | undefined {
    const open = this.#open()
    if (!callback) return open.then(() => this)
    open.then(() => callback(undefined as unknown as Error), callback)
    return undefined
  }

  async #open(): Promise<void> {
    // The caller gets the error from the statement that fails.
    const broken = () => {}
    this.on('error', broken)
    try {
      const address = await this.#aim()
      await super.connect().catch((error) => {
        throw inWords(error, address)
      })
      await this.#settle(address)
    } catch (error) {
      chosen.delete(this.#options.url)
      await super.end().catch(() => {})
      throw error
    } finally {
      this.off('error', broken)
    }
  }

  /** Points this client, which was constructed for the first address, to the address to use. */
  async #aim(): Promise<Address> {
    const { url, ...config } = this.#options
    const address =
      this.#addresses.length > 1 ? (chosen.get(url) ?? (await choose(this.#addresses, config))) : this.#addresses[0]!
    if (this.#addresses.length > 1) {
      chosen.set(url, address)
      const { host = this.host, port = this.port, ssl } = address
      // The driver reads both objects when it connects.
      Object.assign(this, { host, port, ssl })
      Object.assign((this as unknown as { connection: object }).connection, { ssl })
    }
    return address
  }

  async #settle(address: Address) {
    const pins = pinsOf(this.#options)
    const { processID } = this as unknown as { processID: number }
    let look = await this.#look(lookAndPin(pins, processID))
    if (look.pid !== processID) {
      // The process id differs, so a pooler is in between. Its sessions stay unchanged until its mode is known.
      const { url, ...config } = this.#options
      await keepsSessions(this, { ...config, ...address }, url)
      look = await this.#look(lookAndPin(pins))
    }
    if (look.standby) throw new OperatorError(`the server at ${shown(address)} is a standby, which cannot be written to`)
    if (look.encoding !== 'UTF8')
      throw new OperatorError(
        `the database has the encoding ${look.encoding}, which cannot hold all texts: ` +
          `create it again with: create database … encoding 'UTF8' template template0`,
      )
  }

  #look = async (statement: string, tries = LOOKS): Promise<Look> => {
    try {
      const answers = (await this.query(statement)) as unknown as pg.QueryResult<Look>[]
      return answers.at(-1)!.rows[0]!
    } catch (error) {
      if (codeOf(error) === CANCELLED && tries > 1) return this.#look(statement, tries - 1)
      if (codeOf(error) !== NOT_ALLOWED) throw error
      throw new OperatorError(
        `the user of DB_URL has a setting that only an administrator may change (${messageOf(error)}): ` +
          'let one run: alter role … reset …, or alter database … reset …',
        { cause: error },
      )
    }
  }
}

/** The first address that answers and is writable. */
async function choose(addresses: Address[], config: pg.ClientConfig): Promise<Address> {
  const failed: { address: Address; error: unknown }[] = []
  for (const address of addresses) {
    const client = new pg.Client({
      ...config,
      ...address,
      connectionTimeoutMillis: Math.min(ANSWER_MS, config.connectionTimeoutMillis || ANSWER_MS),
    })
    client.on('error', () => {})
    try {
      await client.connect()
      const { rows } = await client.query('select pg_catalog.pg_is_in_recovery() as standby')
      if (!rows[0].standby) return address
      failed.push({ address, error: new Error('is a standby, which cannot be written to') })
    } catch (error) {
      failed.push({ address, error })
    } finally {
      await client.end().catch(() => {})
    }
  }
  const said = failed.map(({ address, error }) => `${shown(address)}: ${messageOf(error)}`).join('; ')
  const code = failed.map(({ error }) => codeOf(error)).find(Boolean)
  throw Object.assign(
    new Error(`none of the servers can be used (${said})`, { cause: failed.at(-1)?.error }),
    code ? { code } : {},
  )
}

/** Adds to some errors of the driver what to change in DB_URL. */
function inWords(error: unknown, address: Address): unknown {
  const said = messageOf(error)
  if (!address.ssl && NO_TLS.test(said))
    return new OperatorError(`the server at ${shown(address)} wants TLS: add sslmode=require to DB_URL (${said})`, {
      cause: error,
    })
  if (address.ssl && /does not support SSL/.test(said))
    return new OperatorError(`the server at ${shown({ ...address, ssl: false })} has no TLS: leave sslmode out of DB_URL`, {
      cause: error,
    })
  return error
}
