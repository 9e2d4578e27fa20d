import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect } from 'chai'
import jwt from 'jsonwebtoken'
import { HttpError } from '#platform/http/errors.ts'
import { Request } from '#platform/http/request.ts'
import { admin, type SignedIn, user, userOrLongTerm, type Viewer, viewer } from '#services/api/auth/guards.ts'
import { guestsOf } from '#services/api/auth/guests.ts'
import { tokensOf } from '#services/api/auth/tokens.ts'
import type { App } from '#services/api/deps.ts'

const SECRET = 'a secret that only this test knows'
const tokens = tokensOf({ secretKey: SECRET, jwtExpiryHours: 1 })
/** No database: what these guards decide, they decide on the token alone. */
const app = { tokens, nameGuest: guestsOf(SECRET), adminToken: 'the admin token' } as App

const sign = (claims: object) => jwt.sign(claims, SECRET, { noTimestamp: true })
const requestWith = (authorization: string | undefined, guest?: string) => {
  const message = new IncomingMessage(new Socket())
  if (authorization !== undefined) message.headers.authorization = authorization
  if (guest !== undefined) message.headers['x-guest-session-id'] = guest
  return new Request(message)
}

const outcome = (guard: typeof user, authorization: string | undefined): Promise<SignedIn | string> =>
  orMessage(() => guard(requestWith(authorization), app))

async function orMessage<T>(guarded: () => T): Promise<Awaited<T> | string> {
  try {
    return await guarded()
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

  describe('viewer', () => {
    const view = (authorization?: string, guest?: string): Promise<Viewer | string> =>
      orMessage(() => viewer(requestWith(authorization, guest), app))

    it('takes a user’s own token, also from somebody who was a guest before', async () => {
      for (const guest of [undefined, '', 'c0ffee'])
        expect(await view(`Bearer ${sign({ user_id: '7' })}`, guest)).to.deep.equal({ kind: 'user', id: 7 })
      const request = requestWith(`Bearer ${sign({ user_id: 7 })}`, 'c0ffee')
      await viewer(request, app)
      expect(request.actor).to.equal('user-7')
    })

    it('passes over a token that is no good, whatever is wrong with it', async () => {
      const bad = [
        ...['', 'Bearer', 'Bearer x', 'Basic x', `bearer ${sign({ user_id: 7 })}`, `Bearer ${jwt.sign({ user_id: 7 }, 'x')}`],
        ...[
          { user_id: 7, type: 'long_term' },
          { user_id: 7, exp: 1 },
          { user_id: 'bob' },
          { user_id: 0 },
          { user_id: -1 },
          { user_id: '1e3' },
          {},
        ].map((claims) => `Bearer ${sign(claims)}`),
      ]
      for (const authorization of [undefined, ...bad]) {
        expect(await view(authorization), String(authorization)).to.equal('Missing Auth or Guest ID')
        expect(await view(authorization, ''), String(authorization)).to.equal('Missing Auth or Guest ID')
        expect((await view(authorization, ' ')) as Viewer, String(authorization)).to.include({ kind: 'guest' })
      }
    })

    it('knows a guest again, under this key only, and never by the session id', async () => {
      const first = (await view(undefined, 'c0ffee')) as Viewer
      expect(await view('Bearer x', 'c0ffee')).to.deep.equal(first)
      expect(await view(undefined, 'c0ffef')).not.to.deep.equal(first)
      expect(first.id).to.match(/^[\w-]{22}$/)
      expect(guestsOf('another key')('c0ffee')).not.to.equal(first.id)
      const request = requestWith(undefined, 'c0ffee')
      await viewer(request, app)
      expect(request.actor).to.equal(`guest-${first.id}`)
    })
  })

  it('for workers takes the admin token and nothing else', async () => {
    const refusal = async (authorization?: string) => {
      try {
        await admin(requestWith(authorization), app)
      } catch (error) {
        const { status, body } = error as HttpError
        return [status, body]
      }
      return 'let in'
    }
    const error = (code: string, message: string) => ({ error: { code, message, details: null } })
    for (const header of [undefined, 'Bearer', 'the admin token', 'bearer the admin token'])
      expect(await refusal(header), header).to.deep.equal([401, error('UNAUTHORIZED', 'Missing or invalid Authorization header')])
    for (const token of ['x', 'the admin toke', 'the admin token ', 'The admin token', sign({ user_id: 7 })])
      expect(await refusal(`Bearer ${token}`), token).to.deep.equal([403, error('FORBIDDEN', 'Invalid admin token')])
    const request = requestWith('Bearer the admin token')
    expect(await admin(request, app)).to.deep.equal({ kind: 'admin' })
    expect(request.actor).to.equal('admin')
  })
})
