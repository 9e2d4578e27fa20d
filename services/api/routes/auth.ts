import { z } from 'zod'
import { issueToken, register, revokeToken } from '#events/user.ts'
import { rule, text } from '#platform/http/fields.ts'
import { strip } from '#platform/http/text.ts'
import { emailField } from '../auth/email.ts'
import { user } from '../auth/guards.ts'
import { accountOf, identify } from '../auth/identify.ts'
import { hashPassword, isPassword } from '../auth/password.ts'
import { unauthorized } from '../errors.ts'
import { Message, route } from '../route.ts'

const Registration = z.object({
  email: emailField,
  password: text({ min: 7 }),
  name: text({ min: 2, max: 100 }).transform(strip).refine(Boolean, rule('Name cannot be empty')),
})

const Login = z.object({ email: emailField, password: text({ min: 1 }) })

export const authRoutes = [
  route('POST', '/v2/auth/register', { body: Registration, answers: { 201: Message } }, async ({ body, execute }) => {
    const { email, name, password } = body
    await execute(register({ email, name, passwordHash: await hashPassword(password) }), { visibleIn: ['users'] })
    return { message: 'User created successfully' }
  }),

  route(
    'POST',
    '/v2/auth/login',
    { body: Login, answers: { 200: z.object({ token: z.string() }) } },
    async ({ body, db, app, ask }) => {
      const identity = await identify(db, body.email)
      const isRight = await isPassword(body.password, identity?.passwordHash)
      if (!identity || !isRight) throw unauthorized('Invalid email or password')
      // Not sooner: for an unknown address this would take no time, and tell that it is unknown.
      const account = await ask(accountOf(identity.owner))
      return { token: app.tokens.user(account!) }
    },
  ),

  route(
    'POST',
    '/v2/auth/tokens',
    { auth: user, answers: { 200: z.object({ message: z.string(), token: z.string() }) } },
    async ({ user, app, execute }) => {
      const seed = await execute(issueToken({ userId: user.id }), { visibleIn: ['users'] })
      return { message: 'Long-term token generated successfully', token: app.tokens.longTerm(seed) }
    },
  ),

  route('DELETE', '/v2/auth/tokens', { auth: user, answers: { 200: Message } }, async ({ user, execute }) => {
    await execute(revokeToken({ userId: user.id }), { visibleIn: ['users'] })
    return { message: 'Long-term token revoked successfully' }
  }),
]
