import jwt from 'jsonwebtoken'
import type { GooglePerson } from '#events/user.ts'
import { isStorable, strip } from '#platform/http/text.ts'
import { type IssuerKeys, KeysUnavailable } from '#platform/oidc/keys.ts'
import { badRequest, unauthorized, unavailable } from '../errors.ts'
import { EmailError, emailOf } from './email.ts'

/** Somebody whom Google vouches for. */
export interface Vouched extends GooglePerson {
  /** Whether Google has seen that the e-mail is theirs. */
  isEmailVerified: boolean
}

/**
 * Reads the ID token that "Sign in with Google" gives to a page.
 *
 * @throws HttpError 401 when it is not Google's word to us, now; 400 when it names no e-mail; 503 when Google's keys cannot be had
 */
export type ReadCredential = (credential: string) => Promise<Vouched>

const ISSUERS = ['accounts.google.com', 'https://accounts.google.com']
/** Clocks differ: a token that Google has just made may seem to come from the future. */
const LEEWAY_S = 5
/** Google's subjects have some 21 digits; by its own word never more than this. */
const MAX_SUBJECT = 255

type Claims = Record<string, unknown>

/** @param now in milliseconds since the epoch */
export function googleCredentials({
  clientId,
  keys,
  now = Date.now,
}: {
  clientId: string
  keys: IssuerKeys
  now?: () => number
}): ReadCredential {
  return async (credential) => {
    // Before anybody is asked for keys: what nobody could mend by signing it rightly.
    const { kid, claims } = decoded(credential)
    if (!isForUs(claims, clientId, now() / 1000)) throw refused()
    const key = await keys.find(kid).catch(rethrown)
    if (!key) throw refused()
    try {
      // Nothing but RS256: with HS256 the public key would do as a secret.
      jwt.verify(credential, key, { algorithms: ['RS256'], clockTimestamp: Math.floor(now() / 1000) })
    } catch {
      throw refused()
    }
    return person(claims)
  }
}

function decoded(credential: string): { kid: string; claims: Claims } {
  try {
    const token = jwt.decode(credential, { complete: true })
    const kid = token?.header.alg === 'RS256' ? token.header.kid : undefined
    const claims: unknown = token?.payload
    if (typeof kid === 'string' && typeof claims === 'object' && claims !== null) return { kid, claims: claims as Claims }
  } catch {
    // no JSON
  }
  throw refused()
}

/** @param now in seconds */
function isForUs({ iss, aud, sub, iat, exp }: Claims, clientId: string, now: number): boolean {
  if (!ISSUERS.includes(iss as string) || aud !== clientId) return false
  if (typeof sub !== 'string' || sub === '' || sub.length > MAX_SUBJECT || !isStorable(sub)) return false
  return typeof iat === 'number' && typeof exp === 'number' && iat <= now + LEEWAY_S && exp > now
}

function person({ sub, email, email_verified, name, picture }: Claims): Vouched {
  if (typeof email !== 'string' || strip(email) === '') throw badRequest('Email is required for Google Sign-In')
  const [local] = email.split('@')
  return {
    googleId: sub as string,
    email: addressOf(email),
    // Google says so of every address, sometimes as text.
    isEmailVerified: email_verified !== false && email_verified !== 'false',
    name: textOf(name) ?? textOf(local),
    imageUrl: textOf(picture),
  }
}

/** As we write addresses, so that nobody has two accounts; also one of a kind that we would not take from a person. */
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
