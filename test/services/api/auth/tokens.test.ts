import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { isSame, tokensOf } from '#services/api/auth/tokens.ts'

const SECRET = 'a secret that only this test knows'
const NOON = Date.UTC(2026, 10, 20, 12)
const NOON_S = NOON / 1000
const BOB = { userId: 7, email: 'bob@example.com', name: 'Bob', imageUrl: null }

/** Tokens of a server whose clock can be moved. */
function server() {
  const clock = { ms: NOON }
  return { clock, tokens: tokensOf({ secretKey: SECRET, jwtExpiryHours: 24, now: () => clock.ms }) }
}

/** A token signed by hand. */
function signed(claims: unknown, { header = { alg: 'HS256', typ: 'JWT' } as object, secret = SECRET, hash = 'sha256' } = {}) {
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`
}
const parts = (token: string) =>
  token
    .split('.')
    .slice(0, 2)
    .map((part) => Buffer.from(part, 'base64url').toString())

describe('a user token', () => {
  it('has exactly the claims that clients decode, in their order', () => {
    expect(parts(server().tokens.user(BOB))).to.deep.equal([
      '{"alg":"HS256","typ":"JWT"}',
      `{"user_id":7,"email":"bob@example.com","name":"Bob","profile_image_url":null,"exp":${NOON_S + 24 * 3600}}`,
    ])
  })

  it('calls who has no name by the e-mail address', () => {
    expect(server().tokens.verify(server().tokens.user({ ...BOB, name: null, imageUrl: 'https://x.example/y.png' }))).to.include({
      name: 'bob@example.com',
      profile_image_url: 'https://x.example/y.png',
    })
  })

  it('is valid until it expires, also when it was seen before', () => {
    const { clock, tokens } = server()
    const token = tokens.user(BOB)
    clock.ms = NOON + 24 * 3600_000 - 1
    expect(tokens.verify(token)).to.include({ user_id: 7 })
    expect(tokens.verify(token)).to.include({ user_id: 7 })
    clock.ms = NOON + 24 * 3600_000
    expect(tokens.verify(token)).to.equal(undefined)
    expect(server().tokens.verify(token), 'unseen').to.include({ user_id: 7 })
  })
})

describe('a long-term token', () => {
  it('has no expiry and is derived from its seed alone', () => {
    const seed = { userId: 7, email: 'bob@example.com', issuedAt: NOON_S + 0.123 }
    const { clock, tokens } = server()
    const token = tokens.longTerm(seed)
    expect(parts(token)[1]).to.equal(`{"user_id":7,"email":"bob@example.com","type":"long_term","iat":${NOON_S + 0.123}}`)
    clock.ms += 400 * 24 * 3600_000
    expect(tokens.longTerm(seed)).to.equal(token)
    expect(tokens.verify(token)).to.include({ type: 'long_term' })
    expect(tokens.longTerm({ ...seed, issuedAt: NOON_S + 0.124 })).not.to.equal(token)
  })

  it('is valid at once, within the second it was issued in', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), (ms) => {
        const { clock, tokens } = server()
        clock.ms = NOON + ms
        expect(tokens.verify(tokens.longTerm({ userId: 1, email: 'a@b.co', issuedAt: clock.ms / 1000 }))).to.include({
          user_id: 1,
        })
      }),
    )
  })
})

describe('a token', () => {
  const verify = (token: string) => server().tokens.verify(token)

  it('is taken without expiry, with other claims and times that lie right', () => {
    for (const claims of [
      { user_id: 7 },
      { user_id: '7', type: 'other', sub: 'x', jti: 'y', iss: 'z' },
      { user_id: 7, exp: NOON_S + 1, iat: NOON_S, nbf: NOON_S },
      { user_id: 7, iat: NOON_S + 0.9 },
      { user_id: 7, iat: NOON_S + 120, nbf: NOON_S + 120 },
      { user_id: 7, aud: null },
    ])
      expect(verify(signed(claims)), JSON.stringify(claims)).to.deep.equal(claims)
  })

  it('is refused for its times, audience or subject', () => {
    for (const claims of [
      { user_id: 7, exp: NOON_S },
      { user_id: 7, exp: NOON_S - 1 },
      { user_id: 7, exp: 'soon' },
      { user_id: 7, nbf: NOON_S + 121 },
      { user_id: 7, nbf: 'now' },
      { user_id: 7, iat: NOON_S + 121 },
      { user_id: 7, iat: 'now' },
      { user_id: 7, aud: 'us' },
      { user_id: 7, aud: ['us'] },
      { user_id: 7, sub: 7 },
      { user_id: 7, sub: null },
      'text',
      [],
      7,
      null,
    ])
      expect(verify(signed(claims)), JSON.stringify(claims)).to.equal(undefined)
  })

  it('is refused when its header names extensions as critical, for none is understood', () => {
    const claims = { user_id: 7 }
    const { tokens } = server()
    expect(tokens.verify(signed(claims, { header: { alg: 'HS256', typ: 'JWT', other: 1 } }))).to.include(claims)
    for (const crit of [['exp'], ['http://example.com/x'], ['b64'], [], 'exp', null])
      expect(tokens.verify(signed(claims, { header: { alg: 'HS256', crit, b64: true } })), `${crit}`).to.equal(undefined)
  })

  it('is refused for its signature', () => {
    const claims = { user_id: 7 }
    const good = signed(claims)
    for (const token of [
      signed(claims, { secret: 'another secret, of the same length' }),
      signed(claims, { header: { alg: 'HS512', typ: 'JWT' }, hash: 'sha512' }),
      signed(claims, { header: { alg: 'none' } }),
      `${signed(claims, { header: { alg: 'none' } })
        .split('.')
        .slice(0, 2)
        .join('.')}.`,
      good.slice(0, -2),
      good.replace('.', '..'),
      `${good} `,
      ` ${good}`,
      '',
      'x',
      'a.b.c',
      good.split('.').slice(0, 2).join('.'),
    ])
      expect(verify(token), token).to.equal(undefined)
  })

  it('is refused when any character is another', () => {
    const { tokens } = server()
    const token = tokens.user(BOB)
    tokens.verify(token)
    fc.assert(
      // The last character carries two bits that say nothing.
      fc.property(fc.nat(token.length - 2), fc.constantFrom(...'aZ09-_.'), (at, other) => {
        fc.pre(token[at] !== other)
        return tokens.verify(token.slice(0, at) + other + token.slice(at + 1)) === undefined
      }),
    )
  })
})

it('two secrets are the same or not', () => {
  expect(isSame('abc', 'abc')).to.equal(true)
  expect(isSame('abc', 'abd')).to.equal(false)
  expect(isSame('abc', 'abcd')).to.equal(false)
})
