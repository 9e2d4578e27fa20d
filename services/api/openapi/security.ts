import type { Json } from '#platform/http/openapi.ts'
import { admin, user, userOrLongTerm, viewer } from '../auth/guards.ts'

/** The credentials that each guard accepts, and its refusals. */
export const GUARDS = new Map<unknown, { security: Json[]; refusals: Record<number, string> }>([
  [user, { security: [{ userToken: [] }], refusals: { 401: 'No valid token of a login' } }],
  [
    userOrLongTerm,
    {
      security: [{ userToken: [] }, { longTermToken: [] }],
      refusals: { 401: 'No valid token of a login, nor the present long-term token' },
    },
  ],
  [
    viewer,
    { security: [{ userToken: [] }, { guestSession: [] }], refusals: { 401: 'Neither a valid token nor a guest session' } },
  ],
  [admin, { security: [{ adminToken: [] }], refusals: { 401: 'No token', 403: 'Not the admin token' } }],
])

export const SECURITY_SCHEMES = {
  userToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'What `POST /v2/auth/login` gives.' },
  longTermToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'What `POST /v2/auth/tokens` gives.' },
  guestSession: { type: 'apiKey', in: 'header', name: 'X-Guest-Session-ID', description: 'Any text that a guest keeps to.' },
  adminToken: { type: 'http', scheme: 'bearer', description: '`ADMIN_TOKEN`, for workers.' },
}
