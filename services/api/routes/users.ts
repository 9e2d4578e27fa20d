import { z } from 'zod'
import { ownerOf, updateProfile } from '#events/user.ts'
import { boolean, rule, text } from '#platform/http/fields.ts'
import { codePoints, strip } from '#platform/http/text.ts'
import { userById } from '#projections/users.ts'
import { user } from '../auth/guards.ts'
import { notFound } from '../errors.ts'
import { tagsOf } from '../etag.ts'
import { route } from '../route.ts'
import { fromMs, fromPg } from '../times.ts'

const Profile = z
  .object({
    id: z.int(),
    email: z.string(),
    name: z.string().nullable(),
    profile_image_url: z.string().nullable(),
    ai_notes_enabled: z.boolean(),
    token_exists: z.boolean(),
    credits_balance: z.int().meta({ description: 'Always the same: nothing costs anything' }),
    long_term_token: z.string().nullable(),
    created_at: z.string(),
  })
  .meta({ id: 'Profile' })

const profileTags = tagsOf(Profile)

const ProfileUpdate = z.object({
  name: text()
    .transform(strip)
    .refine((name) => codePoints(name) >= 2, rule('Name must be at least 2 characters long'))
    .refine((name) => codePoints(name) <= 100, rule('Name must be less than 100 characters'))
    .nullish(),
  ai_notes_enabled: boolean().nullish(),
})

/** Shown on the web app's profile page. The original app spends credits on AI; here nothing costs anything. */
const CREDITS = 100

const GONE = { 404: 'The account of the token is not there' }

export const userRoutes = [
  route(
    'GET',
    '/v2/users/me',
    { summary: 'Read your profile', auth: user, reads: ['users'], answers: { 200: Profile }, givesETag: true, refuses: GONE },
    async ({ user, app, db, request }) => {
      const account = await userById(db, user.id)
      if (!account) throw notFound('User not found')
      request.etag = profileTags.of(ownerOf(user.id), account.version)
      const { token_email, token_issued_at } = account
      const hasToken = token_email !== null && token_issued_at !== null
      return {
        id: account.user_id,
        email: account.email,
        name: account.name,
        profile_image_url: account.image_url,
        ai_notes_enabled: account.ai_notes,
        token_exists: hasToken,
        credits_balance: CREDITS,
        long_term_token: hasToken
          ? app.tokens.longTerm({ userId: user.id, email: token_email, issuedAt: token_issued_at })
          : null,
        created_at: fromPg(account.created_at),
      }
    },
  ),

  route(
    'PATCH',
    '/v2/users/me',
    {
      summary: 'Change your profile',
      auth: user,
      body: ProfileUpdate,
      answers: { 200: Profile },
      givesETag: true,
      takesIfMatch: true,
      refuses: GONE,
    },
    async ({ user, body, request, execute }) => {
      const change = { name: body.name ?? undefined, aiNotes: body.ai_notes_enabled ?? undefined }
      const expected = profileTags.expected(request, ownerOf(user.id))
      const account = await execute(updateProfile({ userId: user.id, ...change, expected }), { visibleIn: ['users'] })
      request.etag = profileTags.of(ownerOf(user.id), account.version)
      return {
        id: account.userId,
        email: account.email,
        name: account.name,
        profile_image_url: account.imageUrl,
        ai_notes_enabled: account.aiNotes,
        token_exists: account.token !== null,
        credits_balance: CREDITS,
        long_term_token: null, // only GET gives the token; here `token_exists` tells that there is one
        created_at: fromMs(account.createdAt),
      }
    },
  ),
]
