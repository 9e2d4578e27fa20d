import { createHash, timingSafeEqual } from 'node:crypto'
import type { Settings } from '#platform/config/settings.ts'
import type { Request } from '#platform/http/request.ts'
import { ABSOLUTE_MS, type Keeper, type Kept, openSessions } from './sessions.ts'

export type Role = 'viewer' | 'operator'

export interface Who {
  name: string
  role: Role
  /** Identifies the session (or the token, if there is no session), so that a preview is bound to the session that saw it. */
  key: string
}

/** Authenticates people who open the page, and tracks their sessions. */
export interface Access {
  /** False without a password and without tokens: the page is then off. */
  isOpen: boolean
  /** Begins a session for a correct password or token; undefined for a wrong one. */
  signIn(secret: string): { who: Who; session: string } | undefined
  signOut(who: Who): void
  /** The sender of a request, found by `Authorization: Bearer` with a token or by the session cookie. */
  whoSends(request: Pick<Request, 'headers'>): Who | undefined
  /** False once the session has ended. A token stays valid. */
  mayStill(who: Who): boolean
  /** Aborts when the person's session ends; never for a token. */
  ended(who: Who): AbortSignal
  /** Number of sessions. */
  sessions(): number
}

export const COOKIE = 'vidwiz_ops'

/** Secrets are compared by digest: digests have equal length, and comparison time does not tell how much of a guess is right. */
const digest = (text: string) => createHash('sha256').update(text).digest()

/**
 * @param kept sessions from before this server started, and where sessions are saved
 */
export function accessOf(
  { OPS_PASSWORD, OPS_TOKENS }: Pick<Settings, 'OPS_PASSWORD' | 'OPS_TOKENS'>,
  kept: { kept?: readonly Kept[]; keeper?: Keeper; now?: () => number } = {},
): Access {
  const known = [
    ...(OPS_PASSWORD ? [{ name: 'operator', role: 'operator' as const, secret: digest(OPS_PASSWORD) }] : []),
    ...OPS_TOKENS.map(({ name, role, token }) => ({ name, role, secret: digest(token) })),
  ]
  const sessions = openSessions(kept)

  const find = (secret: string) => {
    const given = digest(secret)
    // Always compare with all, so that the time does not tell which one fits.
    let found: (typeof known)[number] | undefined
    for (const one of known) if (timingSafeEqual(one.secret, given)) found = one
    return found
  }

  /** Sessions are keyed by an HMAC under the secret, so a session ends when its secret is removed or changed. */
  function inSession(id: string): Who | undefined {
    for (const { name, role, secret } of known) {
      const key = sessions.use(id, secret)
      if (key) return { name, role, key }
    }
    return undefined
  }

  return {
    isOpen: known.length > 0,
    signIn(secret) {
      const found = find(secret)
      if (!found) return undefined
      const session = sessions.begin(found.secret)
      return { who: inSession(session)!, session }
    },
    signOut: ({ key }) => sessions.end(key),
    whoSends({ headers }) {
      const { authorization, cookie } = headers
      if (authorization !== undefined) {
        const found = /^Bearer /i.test(authorization) ? find(authorization.slice('Bearer '.length)) : undefined
        return found && { name: found.name, role: found.role, key: tokenKey(found.name) }
      }
      const session = sessionOf(cookie)
      return session === undefined ? undefined : inSession(session)
    },
    mayStill: ({ name, key }) => key === tokenKey(name) || sessions.holds(key),
    ended: ({ name, key }) => (key === tokenKey(name) ? NEVER : sessions.ended(key)),
    sessions: sessions.count,
  }
}

const tokenKey = (name: string) => `token ${name}`
const NEVER = new AbortController().signal

/** Session id in a Cookie header. */
export function sessionOf(cookie: string | undefined): string | undefined {
  for (const pair of cookie?.split(';') ?? []) {
    const [name, value] = pair.trim().split('=')
    if (name === COOKIE) return value
  }
  return undefined
}

/** Set-Cookie header for a session; without an id, the header that deletes the cookie. */
export const cookieOf = (session: string | undefined, { isSecure }: { isSecure: boolean }): string =>
  [
    `${COOKIE}=${session ?? ''}`,
    'Path=/',
    'HttpOnly',
    'SameSite=Strict',
    `Max-Age=${session === undefined ? 0 : ABSOLUTE_MS / 1000}`,
    ...(isSecure ? ['Secure'] : []),
  ].join('; ')
