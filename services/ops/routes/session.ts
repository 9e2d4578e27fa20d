import { z } from 'zod'
import { failure } from '#platform/http/errors.ts'
import type { Request } from '#platform/http/request.ts'
import { noContent } from '#platform/http/route.ts'
import { cookieOf } from '../access.ts'
import { unlimitedAttempts } from '../attempts.ts'
import type { App } from '../deps.ts'
import { route } from '../route.ts'

const Me = z.object({ name: z.string(), role: z.enum(['viewer', 'operator']) })

export const sessionRoutes = [
  route(
    'POST',
    '/api/session',
    { may: 'anyone', bodyLimitBytes: 4_096, body: z.object({ secret: z.string().max(1_024) }), answers: { 200: Me } },
    async ({ app, body, request }) => {
      const { attempts = unlimitedAttempts } = app
      await attempts.admit(request)
      const begun = app.access.signIn(body.secret)
      if (!begun) {
        attempts.failed(request)
        app.log.warn({ requestId: request.id, address: request.address }, 'somebody tried to sign in with a wrong secret')
        throw failure(401, 'UNAUTHORIZED', 'That is neither the password nor a token')
      }
      const { who, session } = begun
      request.actor = `operator:${who.name}`
      request.answerWith('Set-Cookie', cookieOf(session, { isSecure: isSecure(request, app) }))
      return { name: who.name, role: who.role }
    },
  ),
  ...['/api/me', '/api/session'].map((path) =>
    route('GET', path, { may: 'viewer', answers: { 200: Me } }, async ({ who: { name, role } }) => ({ name, role })),
  ),
  ...(
    [
      ['POST', '/api/session/end'],
      ['DELETE', '/api/session'],
    ] as const
  ).map(([method, path]) =>
    route(method, path, { may: 'viewer', answers: { 204: noContent } }, async ({ app, who, request }) => {
      app.access.signOut(who)
      request.answerWith('Set-Cookie', cookieOf(undefined, { isSecure: isSecure(request, app) }))
      return null
    }),
  ),
]

/** Believes a trusted proxy's header. A client that forges it only stops its own browser from sending the cookie. */
const isSecure = ({ headers }: Request, { settings }: App): boolean =>
  settings.TRUST_PROXY !== 0 && headers['x-forwarded-proto'] === 'https'
