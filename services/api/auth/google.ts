import jwt from 'jsonwebtoken'
import type { GooglePerson } from '#events/user.ts'
import { now as clock } from '#platform/clock.ts'
import { isStorable, strip } from '#platform/http/text.ts'
import { type IssuerKeys, KeysUnavailable } from '#platform/oidc/keys.ts'
import { badRequest, unauthorized, unavailable } from '../errors.ts'
import { EmailError, emailOf } from './email.ts'

/** A person whom Google vouches for. */
export interface Vouched extends GooglePerson {
  /** Whether Google has verified that the e-mail is theirs. */
  isEmailVerified: boolean
}

/**
 * Reads the ID token that "Sign in with Google" gives to a page.
 *
 * @throws HttpError 401 when Google did not issue the token, for us, or it is not valid now; 400 when it names no e-mail; 503 when
 * Google's keys cannot be had
 */
export type ReadCredential = (credential: string) => Promise<Vouched>

const ISSUERS = ['accounts.google.com', 'https://accounts.google.com']
/** Clocks differ: a token that Google has just issued may seem to come from the future. */
const LEEWAY_S = 30
/** Google's subjects have some 21 digits. Google promises at most 255 characters. */
const MAX_SUBJECT = 255

type Claims = Record<string, unknown>

/** @param now in milliseconds since the epoch */
export function googleCredentials({
  clientId,
  keys,
  now = clock,
}: {
  clientId: string
  keys: IssuerKeys
  now?: () => number
}): ReadCredential {
  return async (credential) => {
    // Before any request for keys: no valid signature could make these tokens acceptable.
    const { kid, claims } = decoded(credential)
    if (!isForUs(claims, clientId, now() / 1000)) throw refused()
    const key = await keys.find(kid).catch(rethrown)
    if (!key) throw refused()
    try {
      // RS256 only: if HS256 were allowed, an attacker could sign with the public key as the secret.
      jwt.verify(credential, key, { algorithms: ['RS256'], clockTimestamp: Math.floor(now() / 1000), ignoreNotBefore: true })
    } catch {
      throw refused()
    }
    return person(claims)
  }
}

function decoded(credential: string): { kid: string; claims: Claims } {
  try {
    const token = jwt.decode(credential, { complete: true })
    const { alg, kid, ...others } = token?.header ?? {}
    const claims: unknown = token?.payload
    // RFC 7515 4.1.11: extensions listed in `crit` must be understood. We understand none, and jsonwebtoken does not check.
    const isReadable = alg === 'RS256' && !('crit' in others)
    if (isReadable && typeof kid === 'string' && typeof claims === 'object' && claims !== null)
      return { kid, claims: claims as Claims }
  } catch {
    // not JSON
  }
  throw refused()
}

/** @param now in seconds */
function isForUs({ iss, aud, sub, iat, nbf, exp }: Claims, clientId: string, now: number): boolean {
  if (!ISSUERS.includes(iss as string) || aud !== clientId) return false
  if (typeof sub !== 'string' || sub === '' || sub.length > MAX_SUBJECT || !isStorable(sub)) return false
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf <= now + LEEWAY_S)) return false
  return typeof iat === 'number' && typeof exp === 'number' && iat <= now + LEEWAY_S && exp > now
}

function person({ sub, email, email_verified, name, picture }: Claims): Vouched {
  if (typeof email !== 'string' || strip(email) === '') throw badRequest('Email is required for Google Sign-In')
  const [local] = email.split('@')
  return {
    googleId: sub as string,
    email: addressOf(email),
    // Google always sends this claim, sometimes as text.
    isEmailVerified: email_verified !== false && email_verified !== 'false',
    name: textOf(name) ?? textOf(local),
    imageUrl: textOf(picture),
  }
}

/** Normalized as everywhere, so that nobody gets two accounts. Also takes addresses that we refuse when a person types them. */
function addressOf(email: string): string {
  try {
    return emailOf(email)
  } catch (error) {
    if (!(error instanceof EmailError) || !isStorable(email) || email.length > 254) throw refused()
    return strip(email).toLowerCase()
  }
}

const textOf = (claim: unknown): string | undefined =>
  typeof claim === 'string' && isStorable(claim) ? strip(claim) || undefined : undefined

const refused = () => unauthorized('Invalid Google credential')

const rethrown = (error: unknown): never => {
  if (!(error instanceof KeysUnavailable)) throw error
  throw unavailable('Google cannot be reached at the moment, please try again', 5)
}
