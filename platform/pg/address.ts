import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { OperatorError } from '../operator-error.ts'

/** One server that a database URL names, and how to connect to it. */
export interface Address {
  /** A host name, an IP address, or the folder of a Unix socket. */
  host?: string
  port?: number
  user?: string
  password?: string
  database?: string
  ssl: false | ConnectionOptions
}

interface Parts {
  protocol: string
  credentials: string
  hosts: string
  path: string
  query: URLSearchParams
}

const FORM = /^(postgres(?:ql)?:\/\/)(?:([^/?]*)@)?([^@/?#]*)(\/[^/@?#]*)?(?:\?([^#]*))?$/
const HOST = /^(\[[^\]]+\]|[^:[\]]*)(?::(\d{1,5}))?$/
/** Quotes no part of the URL: when it does not parse, any part may belong to the password. */
const WRONG = 'must be postgres://user:password@host:port/database (in a password, write @ as %40, / as %2F and so on)'
const MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']
/** Accepted values of `target_session_attrs`: every connection has to be able to write. */
const ATTRIBUTES = ['any', 'read-write', 'primary']

function parse(url: string): Parts {
  const parts = FORM.exec(url)
  if (!parts) throw new OperatorError(WRONG)
  const [, protocol = '', credentials = '', hosts = '', path = '', query = ''] = parts
  return { protocol, credentials, hosts, path, query: new URLSearchParams(query) }
}

/**
 * Parses a URL as libpq does: several hosts, a socket folder as `?host=/folder`, `sslmode`.
 * @returns the servers in the order in which to try them; a server that may be reached with or without TLS appears twice
 * @throws OperatorError telling what is wrong with the URL
 */
export function addressesOf(url: string): Address[] {
  const { credentials, path, query, ...parts } = parse(url)
  const [user, password] = credentials.split(/:(.*)/s).map(decoded)
  const database = query.get('dbname') ?? decoded(path.slice(1))
  const attributes = query.get('target_session_attrs') ?? 'any'
  if (!ATTRIBUTES.includes(attributes))
    throw new OperatorError(
      `target_session_attrs=${attributes}: VidWiz writes wherever it connects, so it has to be ${ATTRIBUTES.join(', ')}`,
    )
  const login = {
    user: query.get('user') ?? (user || undefined),
    password: query.get('password') ?? (password || undefined),
    database: database || undefined,
  }
  return hostsOf(parts.hosts, query).flatMap(({ host, port }) =>
    (host?.startsWith('/') ? [false as const] : tlsOf(query)).map((ssl) => known({ host, port, ...login, ssl }) as Address),
  )
}

function hostsOf(hosts: string, query: URLSearchParams): { host?: string; port?: number }[] {
  const named = (query.get('host') ?? '').split(',').filter(Boolean)
  const ports = (query.get('port') ?? '').split(',').filter(Boolean)
  const given =
    named.length > 0 ? named.map((name) => (name.includes(':') && !name.startsWith('/') ? `[${name}]` : name)) : hosts.split(',')
  if (ports.length > 1 && ports.length !== given.length)
    throw new OperatorError(`there are ${given.length} hosts and ${ports.length} ports`)
  return given.map((one, i) => {
    const match = one.startsWith('/') ? [one, one] : HOST.exec(one)
    if (!match) throw new OperatorError(WRONG)
    const host = decoded(match[1]!).replace(/^\[|\]$/g, '')
    const port = Number(ports[i] ?? ports[0] ?? match[2] ?? 0)
    if (!Number.isInteger(port) || port > 65_535) throw new OperatorError(WRONG)
    return { ...(host ? { host } : {}), ...(port ? { port } : {}) }
  })
}

/** The TLS options to try for one server, preferred first; false is without TLS. */
function tlsOf(query: URLSearchParams): (false | ConnectionOptions)[] {
  const file = (name: string) => {
    const path = query.get(name)
    try {
      return path && path !== 'system' ? readFileSync(path, 'utf8') : undefined
    } catch (error) {
      throw new OperatorError(`cannot read the ${name} of DB_URL (${(error as Error).message})`, { cause: error })
    }
  }
  const mode = query.get('sslmode') ?? (['true', '1', 'require'].includes(query.get('ssl') ?? '') ? 'require' : 'disable')
  if (!MODES.includes(mode)) throw new OperatorError(`sslmode=${mode} is unknown: use ${MODES.join(', ')}`)
  if (mode === 'disable') return [false]
  const ca = file('sslrootcert')
  const own = known({ ca, cert: file('sslcert'), key: file('sslkey') })
  // As in libpq, `require` with a root certificate also checks the server's certificate against it.
  const checksCa = mode.startsWith('verify') || (mode === 'require' && ca !== undefined)
  const tls: ConnectionOptions = {
    ...own,
    rejectUnauthorized: checksCa,
    ...(mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  }
  return mode === 'prefer' ? [tls, false] : mode === 'allow' ? [false, tls] : [tls]
}

const known = <T extends object>(values: T): Partial<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    throw new OperatorError(`a % begins no escape in it (write % as %25)`, { cause: error })
  }
}

/** The reason why a database URL is invalid; undefined for a valid one. */
export function wrongWith(url: string): string | undefined {
  try {
    addressesOf(url)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** The name of the database in a URL; as in libpq it defaults to the user's name. */
export const databaseIn = (url: string): string => {
  const [{ database, user } = { database: '' }] = addressesOf(url) as [Address]
  return database ?? user ?? ''
}

/** The user in a URL, or an empty string. */
export const userIn = (url: string): string => addressesOf(url)[0]?.user ?? ''

/** The same URL for another database. */
export function inDatabase(url: string, database: string): string {
  const { protocol, credentials, hosts, query } = parse(url)
  query.delete('dbname')
  const asked = query.size > 0 ? `?${query}` : ''
  return `${protocol}${credentials ? `${credentials}@` : ''}${hosts}/${encodeURIComponent(database)}${asked}`
}

/** A URL without its password and without its parameters, which can contain passwords. */
export function withoutSecrets(url: string): string {
  const { protocol, credentials, hosts, path } = parse(url)
  const user = credentials.split(':')[0]
  return `${protocol}${user ? `${user}@` : ''}${hosts}${path}`
}

/** A server for display: without user and password. */
export const shown = (address: Address): string =>
  address.host?.startsWith('/')
    ? `${address.host}${address.port ? ` (port ${address.port})` : ''}`
    : `${address.host ?? 'localhost'}:${address.port ?? 5432}${address.ssl ? ' with TLS' : ''}`
