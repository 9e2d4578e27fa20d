import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export const CLIENT_ID = 'vidwiz.apps.example.com'

interface Key {
  kid: string
  privateKey: KeyObject
  publicKey: KeyObject
}

/** Stands in for Google: an HTTP server with a key set, which also signs tokens. */
export interface Issuer {
  /** URL of the key set. */
  url: string
  /** Number of requests for the keys. */
  asked: number
  /** Additional headers of the answers. */
  headers: Record<string, string>
  /** Kind of answer: correct, an error, nonsense, or none. */
  mood: 'well' | 'failing' | 'babbling' | 'mute'
  key: Key
  /** Replaces the key; the old one is no longer served. */
  rotate(): void
  /** The credential that "Sign in with Google" gives to a page. `claims` override the usual ones; undefined omits a claim. */
  credential(claims?: Record<string, unknown>, header?: Record<string, unknown>): string
  close(): Promise<void>
}

let made = 0
const makeKey = (): Key => ({ kid: `key-${++made}`, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) })

let people = 0

export async function startIssuer(): Promise<Issuer> {
  const server = createServer((_, res) => {
    issuer.asked++
    if (issuer.mood === 'mute') return
    const { kid, publicKey } = issuer.key
    const keys = [{ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }]
    res.writeHead(issuer.mood === 'failing' ? 500 : 200, { 'Content-Type': 'application/json', ...issuer.headers })
    res.end(issuer.mood === 'babbling' ? '<html>' : JSON.stringify({ keys }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  const issuer: Issuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/certs`,
    asked: 0,
    headers: { 'Cache-Control': 'public, max-age=3600, must-revalidate' },
    mood: 'well',
    key: makeKey(),
    rotate() {
      issuer.key = makeKey()
    },
    credential(claims = {}, header = {}) {
      const { kid, privateKey } = issuer.key
      const signed = unsigned({ alg: 'RS256', kid, typ: 'JWT', ...header }, { ...usual(), ...claims })
      return `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url')}`
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return issuer
}

/** Claims of a new person. */
function usual() {
  const now = Math.floor(Date.now() / 1000)
  const who = { sub: `1000000000000000${++people}`, email: `g${people}.${process.pid}@example.com`, email_verified: true }
  return {
    iss: 'https://accounts.google.com',
    aud: CLIENT_ID,
    azp: CLIENT_ID,
    ...who,
    name: `Gee ${people}`,
    iat: now,
    exp: now + 3600,
  }
}

export const unsigned = (header: object, claims: object): string =>
  [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
