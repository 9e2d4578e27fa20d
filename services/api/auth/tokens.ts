import { createHash, createSecretKey, timingSafeEqual } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { LRUCache } from 'lru-cache'
import type { Account } from '#events/user.ts'
import { now as clock } from '#platform/clock.ts'

/** The data that a long-term token is derived from. `issuedAt` in seconds since the epoch, with a fraction. */
export interface LongTermSeed {
  userId: number
  email: string
  issuedAt: number
}

export type Claims = Record<string, unknown>

export interface Tokens {
  /** Signs the token that a user gets at login. */
  user(account: Account): string
  /** Derives the long-term token. The same seed always gives the same text, so the token need not be stored. */
  longTerm(seed: LongTermSeed): string
  /** The claims of a token with a valid signature that is valid now; undefined otherwise. */
  verify(token: string): Claims | undefined
}

/** Clocks differ: a token that another machine has just issued may seem to come from the future. `exp` gets no leeway. */
const LEEWAY_S = 120
/** Checking a signature takes some 8 µs, a cache look-up far less than 1 µs. */
const CACHED = 10_000
/** Longer tokens are not cached, to bound the cache's memory. */
const MAX_CACHED_LENGTH = 2048

/** Makes and verifies the tokens of a server. `now` in milliseconds since the epoch. */
export function tokensOf({
  secretKey,
  jwtExpiryHours,
  now = clock,
}: {
  secretKey: string
  jwtExpiryHours: number
  now?: () => number
}): Tokens {
  const key = createSecretKey(secretKey, 'utf8')
  const valid = new LRUCache<string, Claims>({ max: CACHED })

  // The order of the claims is part of the API's contract.
  const user = ({ userId, email, name, imageUrl }: Account) => {
    const exp = Math.floor(now() / 1000) + jwtExpiryHours * 3600
    return jwt.sign({ user_id: userId, email, name: name ?? email, profile_image_url: imageUrl, exp }, key, {
      algorithm: 'HS256',
      noTimestamp: true,
    })
  }

  const longTerm = ({ userId, email, issuedAt }: LongTermSeed) =>
    jwt.sign({ user_id: userId, email, type: 'long_term', iat: issuedAt }, key, { algorithm: 'HS256' })

  /** Checks everything except expiry. The result can be cached: later only expiry can invalidate it. */
  function read(token: string): Claims | undefined {
    try {
      const { header, payload: claims } = jwt.verify(token, key, {
        algorithms: ['HS256'],
        clockTimestamp: Math.floor(now() / 1000),
        ignoreNotBefore: true,
        complete: true,
      })
      // RFC 7515 4.1.11: extensions listed in `crit` must be understood. We understand none, and jsonwebtoken does not check.
      if ('crit' in header) return undefined
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

/** Rules that jsonwebtoken lacks: no audience, `sub` only text, `iat` and `nbf` not in the future (with leeway). `now` in seconds. */
function isAcceptable({ aud, sub, iat, nbf }: Claims, now: number): boolean {
  if (aud) return false
  if (sub !== undefined && typeof sub !== 'string') return false
  return [iat, nbf].every((at) => at === undefined || (typeof at === 'number' && Math.floor(at) <= now + LEEWAY_S))
}

export const BEARER = 'Bearer '

/** The claims of the token in an `Authorization` header; undefined when the header has no valid token. */
export const shown = (authorization: string | undefined, tokens: Tokens): Claims | undefined =>
  authorization?.startsWith(BEARER) ? tokens.verify(authorization.slice(BEARER.length)) : undefined

/** The id of the token's user: a positive whole number, which may be written as text. */
export function userIdOf({ user_id: given }: Claims): number | undefined {
  const id = typeof given === 'string' && /^\d+$/.test(given) ? Number(given) : given
  return Number.isSafeInteger(id) && (id as number) >= 1 ? (id as number) : undefined
}

/** Compares two secrets in constant time. */
export const isSame = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b))

const digest = (text: string) => createHash('sha256').update(text).digest()
