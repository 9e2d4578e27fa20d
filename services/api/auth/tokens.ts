import { createHash, createSecretKey, timingSafeEqual } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { LRUCache } from 'lru-cache'
import type { Account } from '#events/user.ts'

/** What a long-term token is made from. `issuedAt` in seconds since the epoch, with a fraction. */
export interface LongTermSeed {
  userId: number
  email: string
  issuedAt: number
}

export type Claims = Record<string, unknown>

export interface Tokens {
  /** Signs the token that a user gets at login. */
  user(account: Account): string
  /** Derives the long-term token: the same seed always gives the same text, so that it need not be stored. */
  longTerm(seed: LongTermSeed): string
  /** The claims of a token that is rightly signed and valid now; undefined otherwise. */
  verify(token: string): Claims | undefined
}

/** Checking a signature takes some 8 µs, a look-up far below one. */
const CACHED = 10_000
/** A client that sends longer ones is not worth a cache's memory. */
const MAX_CACHED_LENGTH = 2048

/** Makes and verifies the tokens of a server. `now` in milliseconds since the epoch. */
export function tokensOf({
  secretKey,
  jwtExpiryHours,
  now = Date.now,
}: {
  secretKey: string
  jwtExpiryHours: number
  now?: () => number
}): Tokens {
  const key = createSecretKey(secretKey, 'utf8')
  const valid = new LRUCache<string, Claims>({ max: CACHED })

  // The order of claims is part of the contract.
  const user = ({ userId, email, name, imageUrl }: Account) => {
    const exp = Math.floor(now() / 1000) + jwtExpiryHours * 3600
    return jwt.sign({ user_id: userId, email, name: name ?? email, profile_image_url: imageUrl, exp }, key, {
      algorithm: 'HS256',
      noTimestamp: true,
    })
  }

  const longTerm = ({ userId, email, issuedAt }: LongTermSeed) =>
    jwt.sign({ user_id: userId, email, type: 'long_term', iat: issuedAt }, key, { algorithm: 'HS256' })

  /** What can never change for the worse but by expiry. */
  function read(token: string): Claims | undefined {
    try {
      const claims = jwt.verify(token, key, { algorithms: ['HS256'], clockTimestamp: Math.floor(now() / 1000) })
      return typeof claims === 'object' && !Array.isArray(claims) && isAcceptable(claims, now() / 1000) ? claims : undefined
    } catch {
      return undefined
    }
  }

  function verify(token: string): Claims | undefined {
    const known = valid.get(token)
    const claims = known ?? read(token)
    if (!claims) return undefined
    if (typeof claims.exp === 'number' && claims.exp <= now() / 1000) {
      valid.delete(token)
      return undefined
    }
    if (!known && token.length <= MAX_CACHED_LENGTH) valid.set(token, claims)
    return claims
  }

  return { user, longTerm, verify }
}

/** Rules that jsonwebtoken has not: no audience, a subject only as text, not issued in the future. `now` in seconds. */
function isAcceptable({ aud, sub, iat }: Claims, now: number): boolean {
  if (aud) return false
  if (sub !== undefined && typeof sub !== 'string') return false
  return iat === undefined || (typeof iat === 'number' && Math.floor(iat) <= now)
}

export const BEARER = 'Bearer '

/** The claims that an `Authorization` header shows; undefined when it shows no valid token. */
export const shown = (authorization: string | undefined, tokens: Tokens): Claims | undefined =>
  authorization?.startsWith(BEARER) ? tokens.verify(authorization.slice(BEARER.length)) : undefined

/** Whose token it is: a positive whole number, which may be written as text. */
export function userIdOf({ user_id: given }: Claims): number | undefined {
  const id = typeof given === 'string' && /^\d+$/.test(given) ? Number(given) : given
  return Number.isSafeInteger(id) && (id as number) >= 1 ? (id as number) : undefined
}

/** Compares two secrets in a time that does not tell where they differ. */
export const isSame = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b))

const digest = (text: string) => createHash('sha256').update(text).digest()
