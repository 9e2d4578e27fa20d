import { setTimeout as delay } from 'node:timers/promises'
import { ownerOf } from '#events/user.ts'
import type { Request } from '#platform/http/request.ts'
import type { Guard } from '#platform/http/route.ts'
import { causationOf } from '../causes.ts'
import type { App } from '../deps.ts'
import { forbidden, unauthorized } from '../errors.ts'
import { accountOf } from './identify.ts'
import { BEARER, type Claims, isSame, shown, userIdOf } from './tokens.ts'

const GUEST_HEADER = 'x-guest-session-id'

/** A signed-in user. The account may be gone by now: the handler that loads it finds out. */
export interface SignedIn {
  id: number
}

/** U: a user's own token only. */
export const user: Guard<App, SignedIn> = (request, { tokens }) => {
  const claims = verified(bearer(request), tokens)
  if (claims.type === 'long_term') throw unauthorized('Long-term tokens are not allowed for this endpoint')
  return signedIn(request, claims)
}

/** UL: a user's own token, or the account's current long-term token. */
export const userOrLongTerm: Guard<App, SignedIn> = (request, app) => {
  const token = bearer(request)
  const claims = verified(token, app.tokens)
  return claims.type === 'long_term' ? longTerm(request, app, token, claims) : signedIn(request, claims)
}

/** A viewer of a video: a signed-in user, or a guest by the name that `guestsOf` gives. */
export type Viewer = { kind: 'user'; id: number } | { kind: 'guest'; id: string }

/** The viewer's name in events; also the `actor` of the request. */
export const nameOf = ({ kind, id }: Viewer) => `${kind}-${id}`

/** V: a user's own token, else a guest's session id. An invalid token is ignored. */
export const viewer: Guard<App, Viewer> = (request, { tokens, nameGuest }) => {
  const { authorization, [GUEST_HEADER]: sessionId } = request.headers
  const claims = shown(authorization, tokens)
  const userId = claims && claims.type !== 'long_term' ? userIdOf(claims) : undefined
  if (userId !== undefined) {
    return seen(request, { kind: 'user', id: userId })
  }
  if (typeof sessionId !== 'string' || sessionId === '') throw unauthorized('Missing Auth or Guest ID')
  return seen(request, { kind: 'guest', id: nameGuest(sessionId) })
}

function seen(request: Request, viewer: Viewer): Viewer {
  request.actor = nameOf(viewer)
  return viewer
}

/** Slows down workers that do not pause by themselves after a refusal. */
const REFUSAL_MS = 250

/** A: the admin token, which workers have. A refusal is delayed. */
export const admin: Guard<App, { kind: 'admin' }> = async (request, { adminToken }) => {
  try {
    if (!isSame(bearer(request), adminToken)) throw forbidden('Invalid admin token')
  } catch (refusal) {
    await delay(REFUSAL_MS, undefined, { signal: request.gone }).catch(() => {})
    throw refusal
  }
  request.actor = 'admin'
  request.causationId = causationOf(request)
  return { kind: 'admin' }
}

async function longTerm(request: Request, { tokens, execute }: App, token: string, claims: Claims): Promise<SignedIn> {
  const signed = signedIn(request, claims)
  // From the log, not from a view: a revoked token is refused at once, even while views lag behind.
  const { result: account } = await execute(accountOf(ownerOf(signed.id)), { actor: request.actor, correlationId: request.id })
  const current = account?.token && tokens.longTerm({ userId: signed.id, ...account.token })
  if (!current || !isSame(token, current)) throw unauthorized('Invalid or revoked long-term token')
  return signed
}

/** The token of `Authorization: Bearer <token>`, unchanged. */
function bearer({ headers: { authorization } }: Request): string {
  if (!authorization?.startsWith(BEARER)) throw unauthorized('Missing or invalid Authorization header')
  return authorization.slice(BEARER.length)
}

function verified(token: string, tokens: App['tokens']): Claims {
  const claims = tokens.verify(token)
  if (!claims) throw unauthorized('Invalid or expired token')
  return claims
}

function signedIn(request: Request, claims: Claims): SignedIn {
  if (!claims.user_id) throw unauthorized('Invalid token payload')
  const id = userIdOf(claims)
  if (id === undefined) throw unauthorized('Invalid or expired token')
  request.actor = `user-${id}`
  return { id }
}
