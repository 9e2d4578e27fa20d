import { z } from 'zod'
import { updateProfile } from '#events/user.ts'
import { boolean, rule, text } from '#platform/http/fields.ts'
import { codePoints, strip } from '#platform/http/text.ts'
import { userById } from '#projections/users.ts'
import { user } from '../auth/guards.ts'
import { notFound } from '../errors.ts'
import { route } from '../route.ts'
import { fromMs, fromPg } from '../times.ts'

const Profile = z.object({
  id: z.int(),
  email: z.string(),
  name: z.string().nullable(),
  profile_image_url: z.string().nullable(),
  ai_notes_enabled: z.boolean(),
  token_exists: z.boolean(),
  long_term_token: z.string().nullable(),
  created_at: z.string(),
})

const ProfileUpdate = z.object({
  name: text()
    .transform(strip)
    .refine((name) => codePoints(name) >= 2, rule('Name must be at least 2 characters long'))
    .refine((name) => codePoints(name) <= 100, rule('Name must be less than 100 characters'))
    .nullish(),
  ai_notes_enabled: boolean().nullish(),
})

export const userRoutes = [
  route('GET', '/v2/users/me', { auth: user, answers: { 200: Profile } }, async ({ user, app, db }) => {
    const account = await userById(db, user.id)
    if (!account) throw notFound('User not found')
    const { token_email, token_issued_at } = account
    const hasToken = token_email !== null && token_issued_at !== null
    return {
      id: account.user_id,
      email: account.email,
      name: account.name,
      profile_image_url: account.image_url,
      ai_notes_enabled: account.ai_notes,
      token_exists: hasToken,
      long_term_token: hasToken ? app.tokens.longTerm({ userId: user.id, email: token_email, issuedAt: token_issued_at }) : null,
      created_at: fromPg(account.created_at),
    }
  }),

  route(
    'PATCH',
    '/v2/users/me',
    { auth: user, body: ProfileUpdate, answers: { 200: Profile } },
    async ({ user, body, execute }) => {
      const change = { name: body.name ?? undefined, aiNotes: body.ai_notes_enabled ?? undefined }
      const account = await execute(updateProfile({ userId: user.id, ...change }), { visibleIn: ['users'] })
      return {
        id: account.userId,
        email: account.email,
        name: account.name,
        profile_image_url: account.imageUrl,
        ai_notes_enabled: account.aiNotes,
        token_exists: account.token !== null,
        long_term_token: null, // never here, only whether there is one
        created_at: fromMs(account.createdAt),
      }
    },
  ),
]
