import { z } from 'zod'
import { issueToken, register, revokeToken } from '#events/user.ts'
import { rule, text } from '#platform/http/fields.ts'
import { strip } from '#platform/http/text.ts'
import { emailField } from '../auth/email.ts'
import { signIn } from '../auth/google-sign-in.ts'
import { user } from '../auth/guards.ts'
import { accountOf, identify } from '../auth/identify.ts'
import { hashPassword, isPassword } from '../auth/password.ts'
import { notConfigured, unauthorized } from '../errors.ts'
import { BODY_LIMIT_BYTES, Message, route } from '../route.ts'

const Registration = z.object({
  email: emailField,
  password: text({ min: 7 }),
  name: text({ min: 2, max: 100 }).transform(strip).refine(Boolean, rule('Name cannot be empty')),
})

const Login = z.object({ email: emailField, password: text({ min: 1 }) })

const GoogleLogin = z.object({ credential: text({ min: 1 }) })

export const authRoutes = [
  route(
    'POST',
    '/v2/auth/register',
    {
      summary: 'Open an account',
      body: Registration,
      bodyLimitBytes: BODY_LIMIT_BYTES.credentials,
      answers: { 201: Message },
      refuses: { 409: 'Somebody has an account with this e-mail' },
    },
    async ({ body, app: { aiNotesAtSignUp: aiNotes }, execute }) => {
      const { email, name, password } = body
      await execute(register({ email, name, passwordHash: await hashPassword(password), aiNotes }), { visibleIn: ['users'] })
      return { message: 'User created successfully' }
    },
  ),

  route(
    'POST',
    '/v2/auth/login',
    {
      summary: 'Get a token with e-mail and password',
      body: Login,
      bodyLimitBytes: BODY_LIMIT_BYTES.credentials,
      answers: { 200: z.object({ token: z.string() }) },
      refuses: { 401: 'No such e-mail, or not its password' },
    },
    async ({ body, db, app, ask }) => {
      const identity = await identify(db, body.email)
      const isRight = await isPassword(body.password, identity?.passwordHash, app.limits.guesses(body.email))
      if (!identity || !isRight) throw unauthorized('Invalid email or password')
      // After the password check: an unknown address skips this load, and its faster answer would tell that it is unknown.
      const account = await ask(accountOf(identity.owner))
      return { token: app.tokens.user(account!) }
    },
  ),

  route(
    'POST',
    '/v2/auth/google',
    {
      summary: 'Get a token with a Google account',
      body: GoogleLogin,
      bodyLimitBytes: BODY_LIMIT_BYTES.credentials,
      answers: { 200: z.object({ token: z.string() }) },
      refuses: { 400: 'The Google account has no e-mail', 401: 'Not a valid credential', 503: 'Google cannot be reached' },
    },
    async ({ body, app, db, execute }) => {
      if (!app.readGoogleCredential) throw notConfigured('Google OAuth not configured')
      const person = await app.readGoogleCredential(body.credential)
      return { token: app.tokens.user(await signIn(person, { db, execute, aiNotes: app.aiNotesAtSignUp })) }
    },
  ),

  route(
    'POST',
    '/v2/auth/tokens',
    {
      summary: 'Get a long-term token for the extension and phones',
      auth: user,
      answers: { 200: z.object({ message: z.string(), token: z.string() }) },
      refuses: { 400: 'There is one already', 404: 'The account of the token is not there' },
    },
    async ({ user, app, execute }) => {
      const seed = await execute(issueToken({ userId: user.id }), { visibleIn: ['users'] })
      return { message: 'Long-term token generated successfully', token: app.tokens.longTerm(seed) }
    },
  ),

  route(
    'DELETE',
    '/v2/auth/tokens',
    { summary: 'Revoke the long-term token', auth: user, answers: { 200: Message }, refuses: { 404: 'There is none' } },
    async ({ user, execute }) => {
      await execute(revokeToken({ userId: user.id }), { visibleIn: ['users'] })
      return { message: 'Long-term token revoked successfully' }
    },
  ),
]
