import { ownerOf } from '#events/user.ts'
import type { Request } from '#platform/http/request.ts'
import type { Guard } from '#platform/http/route.ts'
import type { App } from '../deps.ts'
import { unauthorized } from '../errors.ts'
import { accountOf } from './identify.ts'
import { type Claims, isSame } from './tokens.ts'

/** A signed-in user. The account need not exist any more: what asks for it finds out. */
export interface SignedIn {
  id: number
}

/** U: a user's own token only. */
export const user: Guard<App, SignedIn> = (request, { tokens }) => {
  const claims = verified(bearer(request), tokens)
  if (claims.type === 'long_term') throw unauthorized('Long-term tokens are not allowed for this endpoint')
  return signedIn(request, claims)
}

/** UL: a user's own token, or the long-term token that the account has at present. */
export const userOrLongTerm: Guard<App, SignedIn> = (request, app) => {
  const token = bearer(request)
  const claims = verified(token, app.tokens)
  return claims.type === 'long_term' ? longTerm(request, app, token, claims) : signedIn(request, claims)
}

// V (a user or a guest) and A (the admin token) belong here, with the routes that need them.

async function longTerm(request: Request, { tokens, execute }: App, token: string, claims: Claims): Promise<SignedIn> {
  const signed = signedIn(request, claims)
  // From the log, not from a view: a token that was revoked is refused at once, also while views lag behind.
  const { result: account } = await execute(accountOf(ownerOf(signed.id)), { actor: request.actor, correlationId: request.id })
  const current = account?.token && tokens.longTerm({ userId: signed.id, ...account.token })
  if (!current || !isSame(token, current)) throw unauthorized('Invalid or revoked long-term token')
  return signed
}

/** The token of `Authorization: Bearer <token>`, to the letter. */
function bearer({ headers: { authorization } }: Request): string {
  if (!authorization?.startsWith('Bearer ')) throw unauthorized('Missing or invalid Authorization header')
  return authorization.slice('Bearer '.length)
}

function verified(token: string, tokens: App['tokens']): Claims {
  const claims = tokens.verify(token)
  if (!claims) throw unauthorized('Invalid or expired token')
  return claims
}

function signedIn(request: Request, { user_id: given }: Claims): SignedIn {
  if (!given) throw unauthorized('Invalid token payload')
  const id = typeof given === 'string' && /^\d+$/.test(given) ? Number(given) : given
  if (!Number.isSafeInteger(id) || (id as number) < 1) throw unauthorized('Invalid or expired token')
  request.actor = `user-${id}`
  return { id: id as number }
}
