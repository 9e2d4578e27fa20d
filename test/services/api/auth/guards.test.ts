import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect } from 'chai'
import jwt from 'jsonwebtoken'
import { HttpError } from '#platform/http/errors.ts'
import { Request } from '#platform/http/request.ts'
import { type SignedIn, user, userOrLongTerm } from '#services/api/auth/guards.ts'
import { tokensOf } from '#services/api/auth/tokens.ts'
import type { App } from '#services/api/deps.ts'

const SECRET = 'a secret that only this test knows'
const tokens = tokensOf({ secretKey: SECRET, jwtExpiryHours: 1 })
/** No database: what these guards decide, they decide on the token alone. */
const app = { tokens } as App

const sign = (claims: object) => jwt.sign(claims, SECRET, { noTimestamp: true })
const requestWith = (authorization: string | undefined) => {
  const message = new IncomingMessage(new Socket())
  if (authorization !== undefined) message.headers.authorization = authorization
  return new Request(message)
}

async function outcome(guard: typeof user, authorization: string | undefined): Promise<SignedIn | string> {
  try {
    return await guard(requestWith(authorization), app)
  } catch (error) {
    if (!(error instanceof HttpError)) throw error
    const { code, message, details } = (error.body as { error: { code: string; message: string; details: null } }).error
    expect([error.status, code, details]).to.deep.equal([401, 'UNAUTHORIZED', null])
    return message
  }
}

describe('a guard', () => {
  for (const [name, guard] of Object.entries({ user, userOrLongTerm })) {
    describe(name, () => {
      it('wants a bearer token, to the letter', async () => {
        const token = sign({ user_id: 7 })
        for (const header of [
          undefined,
          '',
          'Bearer',
          `bearer ${token}`,
          `Basic ${token}`,
          `BEARER ${token}`,
          token,
          `Bearer\t${token}`,
        ])
          expect(await outcome(guard, header), String(header)).to.equal('Missing or invalid Authorization header')
        for (const header of [`Bearer  ${token}`, `Bearer ${token} x`, 'Bearer x', `Bearer ${jwt.sign({ user_id: 7 }, 'x')}`])
          expect(await outcome(guard, header), header).to.equal('Invalid or expired token')
      })

      it('finds out whose it is', async () => {
        for (const user_id of [7, '7', '007'])
          expect(await outcome(guard, `Bearer ${sign({ user_id })}`)).to.deep.equal({ id: 7 })
        expect(
          await outcome(guard, `Bearer ${tokens.user({ userId: 9, email: 'a@b.co', name: null, imageUrl: null })}`),
        ).to.deep.equal({ id: 9 })
        const request = requestWith(`Bearer ${sign({ user_id: 7 })}`)
        await guard(request, app)
        expect(request.actor).to.equal('user-7')
      })

      it('refuses a token that is nobody’s', async () => {
        for (const claims of [{}, { user_id: null }, { user_id: 0 }, { user_id: '' }, { user_id: false }])
          expect(await outcome(guard, `Bearer ${sign(claims)}`), JSON.stringify(claims)).to.equal('Invalid token payload')
        for (const user_id of ['bob', -1, 1.5, true, {}, [7], '1e3', '9'.repeat(20), 1e20])
          expect(await outcome(guard, `Bearer ${sign({ user_id })}`), JSON.stringify(user_id)).to.equal(
            'Invalid or expired token',
          )
      })
    })
  }

  it('for users only takes no long-term token, not even a forged one', async () => {
    for (const claims of [{ user_id: 7, type: 'long_term' }, { type: 'long_term' }])
      expect(await outcome(user, `Bearer ${sign(claims)}`)).to.equal('Long-term tokens are not allowed for this endpoint')
    expect(await outcome(user, `Bearer ${jwt.sign({ type: 'long_term' }, 'x')}`)).to.equal('Invalid or expired token')
  })
})
