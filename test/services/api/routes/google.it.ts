import { createHmac, generateKeyPairSync } from 'node:crypto'
import { expect } from 'chai'
import { eventually } from '#test/kit/eventually.ts'
import { CLIENT_ID, type Issuer, startIssuer, unsigned } from '#test/kit/issuer.ts'
import { claimsOf, problems, refusal, required, seen, system } from './kit.ts'

let people = 0
const somebody = () => ({ sub: `sub-${++people}`, email: `goo${people}@example.com` })

describe('POST /v2/auth/google', () => {
  let issuer: Issuer
  before(async () => {
    issuer = await startIssuer()
  })
  after(() => issuer.close())
  const api = system(() => ({ GOOGLE_CLIENT_ID: CLIENT_ID, GOOGLE_CERTS_URL: issuer.url }))

  const post = (credential: unknown) => api.ask('POST', '/v2/auth/google', { json: { credential } })
  const signIn = (claims?: Record<string, unknown>) => post(issuer.credential(claims))
  /** The claims of the token that somebody gets. */
  const signedIn = async (claims?: Record<string, unknown>) => {
    const answer = await signIn(claims)
    expect(answer.status, answer.body).to.equal(200)
    return claimsOf(answer.json().token)
  }
  const profile = async (claims: Record<string, unknown>) => {
    const { token } = (await signIn(claims)).json()
    return (await api.ask('GET', '/v2/users/me', { token })).json()
  }
  const REFUSED = refusal(401, 'Invalid Google credential')

  it('opens an account for somebody new, and lets them in again', async () => {
    const who = { ...somebody(), name: 'Gee', picture: 'https://a/p.png' }
    const answer = await signIn(who)
    const { token } = answer.json()
    expect(seen(answer)).to.deep.equal([200, JSON.stringify({ token })])
    const { user_id: id, exp } = claimsOf(token)
    const claims = { user_id: id, email: who.email, name: 'Gee', profile_image_url: 'https://a/p.png', exp }
    expect(JSON.stringify(claimsOf(token))).to.equal(JSON.stringify(claims))
    const me = (await api.ask('GET', '/v2/users/me', { token })).json()
    expect(me).to.include({ id, email: who.email, name: 'Gee', profile_image_url: 'https://a/p.png' })
    expect((await signedIn(who)).user_id).to.equal(id)
    expect(await api.eventsOf(`user-${id}`)).to.deep.equal(['UserRegistered', 'GoogleAccountLinked'])
  })

  it('names somebody of whom Google gives no name after the address', async () => {
    const { email } = somebody()
    expect(await signedIn({ email, name: undefined })).to.include({ name: email.split('@')[0], profile_image_url: null })
    expect((await signedIn({ name: 'a\0b', email: `x${email}` })).name).to.equal(`x${email}`.split('@')[0])
  })

  it('takes addresses as one in whatever case, at the first time and ever after', async () => {
    const { email } = somebody()
    const { user_id, email: kept } = await signedIn({ email: email.toUpperCase() })
    expect(kept).to.equal(email)
    const again = await api.ask('POST', '/v2/auth/register', { json: { email, password: 'long enough', name: 'Bob' } })
    expect(seen(again)).to.deep.equal(refusal(409, 'Email already exists'))
    expect((await signedIn({ email })).user_id, 'another Google account with this address').to.equal(user_id)
  })

  it('links the account that has the address already; name and password stay, the picture comes', async () => {
    const bob = await api.someone()
    const claims = await signedIn({ email: bob.email, name: 'Gee', picture: 'https://a/bob.png' })
    expect(claims).to.include({ user_id: bob.id, profile_image_url: 'https://a/bob.png' })
    expect(claims.name).not.to.equal('Gee')
    const login = await api.ask('POST', '/v2/auth/login', { json: { email: bob.email, password: bob.password } })
    expect(login.status).to.equal(200)
    expect(await api.eventsOf(`user-${bob.id}`)).to.deep.equal(['UserRegistered', 'GoogleAccountLinked'])
  })

  it('knows somebody by the Google account, also when the address there is another one by now', async () => {
    const who = somebody()
    const { user_id } = await signedIn(who)
    const bob = await api.someone()
    const moved = { ...who, email: bob.email, picture: 'https://a/new.png' }
    expect(await profile(moved)).to.include({ id: user_id, email: who.email, profile_image_url: 'https://a/new.png' })
    expect((await profile({ ...moved, picture: undefined })).profile_image_url).to.equal('https://a/new.png')
    expect(await api.eventsOf(`user-${user_id}`)).to.deep.equal(['UserRegistered', 'GoogleAccountLinked', 'ProfileUpdated'])
  })

  it('has another Google account of the same address take the place of the first', async () => {
    const [who, other] = [somebody(), somebody()]
    const { user_id } = await signedIn(who)
    expect((await signedIn({ ...other, email: who.email })).user_id).to.equal(user_id)
    expect((await signedIn({ ...other, email: 'moved.away@example.com' })).user_id).to.equal(user_id)
    expect((await signedIn({ ...who, email: `new.${who.email}` })).user_id, 'the first one is free').not.to.equal(user_id)
  })

  it('takes no word for an address that Google has not verified, unless it knows the Google account', async () => {
    const who = somebody()
    const unverified = refusal(401, 'Google has not verified the email address of this account')
    for (const no of [false, 'false'])
      for (const email of [who.email, (await api.someone()).email])
        expect(seen(await signIn({ ...who, email, email_verified: no }))).to.deep.equal(unverified)
    const { user_id } = await signedIn(who)
    expect((await signedIn({ ...who, email_verified: false })).user_id).to.equal(user_id)
  })

  it('gives one account and 200 to twenty who come at once for the first time', async () => {
    const who = somebody()
    const all = await Promise.all(Array.from({ length: 20 }, () => signedIn(who)))
    expect(new Set(all.map(({ user_id }) => user_id)).size).to.equal(1)
    expect(await api.eventsOf(`user-${all[0].user_id}`)).to.deep.equal(['UserRegistered', 'GoogleAccountLinked'])
  })

  it('gives one account to Google accounts of one address that come at once, and to who registers meanwhile', async () => {
    const { email } = somebody()
    const registering = api.ask('POST', '/v2/auth/register', { json: { email, password: 'long enough', name: 'Bob' } })
    const all = await Promise.all(Array.from({ length: 8 }, () => signedIn({ ...somebody(), email })))
    expect(new Set(all.map(({ user_id }) => user_id)).size).to.equal(1)
    expect((await registering).status).to.be.oneOf([201, 409])
  })

  it('lets nobody in with a password where there is none', async () => {
    const { email } = await signedIn()
    for (const password of ['', 'null', 'undefined', 'long enough'])
      expect((await api.ask('POST', '/v2/auth/login', { json: { email, password } })).status).to.be.oneOf([401, 422])
    const login = await api.ask('POST', '/v2/auth/login', { json: { email, password: 'long enough' } })
    expect(seen(login)).to.deep.equal(refusal(401, 'Invalid email or password'))
  })

  it('refuses what is not the word of Google to us, now', async () => {
    const now = Math.floor(Date.now() / 1000)
    const cases: [string, Record<string, unknown>][] = [
      ['another issuer', { iss: 'https://accounts.example.com' }],
      ['nearly the issuer', { iss: 'https://accounts.google.com/' }],
      ['no issuer', { iss: undefined }],
      ['for others', { aud: 'another.apps.example.com' }],
      ['for others too', { aud: [CLIENT_ID, 'another.apps.example.com'] }],
      ['for nobody', { aud: undefined }],
      ['nobody', { sub: undefined }],
      ['an empty subject', { sub: '' }],
      ['a subject that is a number', { sub: 12 }],
      ['expired', { exp: now - 1 }],
      ['without an end', { exp: undefined }],
      ['an end in words', { exp: `${now + 100}` }],
      ['of the future', { iat: now + 60 }],
      ['not yet', { nbf: now + 60 }],
      ['without a beginning', { iat: undefined }],
    ]
    for (const [why, claims] of cases) expect(seen(await signIn(claims)), why).to.deep.equal(REFUSED)
    expect((await signIn({ iss: 'accounts.google.com' })).status).to.equal(200)
    expect((await signIn({ iat: now + 20, nbf: now + 20 })).status, 'clocks differ').to.equal(200)
  })

  it('refuses what is not signed by a key of Google, in the one way that Google signs', async () => {
    const { kid, publicKey } = issuer.key
    const whole = issuer.credential()
    const [header, claims, signature] = whole.split('.') as [string, string, string]
    const decoded = JSON.parse(Buffer.from(claims, 'base64url').toString())
    const hmac = (key: string | Buffer, head: object) => {
      const text = unsigned(head, decoded)
      return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
    }
    const pem = publicKey.export({ type: 'spki', format: 'pem' })
    const stranger = { ...issuer.key, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) }
    const own = issuer.key
    issuer.key = stranger
    const strangers = issuer.credential()
    issuer.key = own
    const cases: [string, string][] = [
      ['no token', 'x'],
      ['two parts', `${header}.${claims}`],
      ['no signature', `${header}.${claims}.`],
      ['another signature', `${header}.${claims}.${signature.slice(0, -8)}AAAAAAAA`],
      ['other claims', `${header}.${Buffer.from(JSON.stringify({ ...decoded, sub: '1' })).toString('base64url')}.${signature}`],
      ['a key of a stranger under the name of ours', strangers],
      ['alg none', `${unsigned({ alg: 'none', kid }, decoded)}.`],
      ['HS256 with the public key', hmac(pem, { alg: 'HS256', kid, typ: 'JWT' })],
      ['HS256 with the public key in DER', hmac(publicKey.export({ type: 'spki', format: 'der' }), { alg: 'HS256', kid })],
      ['HS256 that says RS256', hmac(pem, { alg: 'RS256', kid })],
      ['an unknown key', issuer.credential({}, { kid: 'unknown' })],
      ['a key of a name that objects have', issuer.credential({}, { kid: '__proto__' })],
      ['no key', issuer.credential({}, { kid: undefined })],
      ['a key that is a number', issuer.credential({}, { kid: 1 })],
      ['RS512 in name', issuer.credential({}, { alg: 'RS512' })],
      ['an extension that must be understood', issuer.credential({}, { crit: ['x'], x: 1 })],
      ['our own token', (await api.someone()).token],
    ]
    for (const [why, credential] of cases) expect(seen(await post(credential)), why).to.deep.equal(REFUSED)
    expect((await post(whole)).status, 'the same, untouched').to.equal(200)
  })

  it('wants an e-mail', async () => {
    for (const email of [undefined, null, '', ' ', 1])
      expect(seen(await signIn({ email }))).to.deep.equal(refusal(400, 'Email is required for Google Sign-In'))
  })

  it('wants a credential', async () => {
    expect(problems(await api.ask('POST', '/v2/auth/google', { json: {} }))).to.deep.equal([required('body.credential')])
    const short = ['body.credential', 'string_too_short', 'String should have at least 1 character']
    expect(problems(await post(''))).to.deep.equal([short])
    expect(problems(await post(1))).to.deep.equal([['body.credential', 'string_type', 'Input should be a valid string']])
  })

  it('gives the same answer to the same Idempotency-Key', async () => {
    const asking = { json: { credential: issuer.credential() }, headers: { 'Idempotency-Key': 'k' } }
    const [first, second] = [await api.ask('POST', '/v2/auth/google', asking), await api.ask('POST', '/v2/auth/google', asking)]
    expect(second.header('idempotency-replayed')).to.equal('true')
    expect(claimsOf(second.json().token).user_id).to.equal(claimsOf(first.json().token).user_id)
  })

  it('takes a new key as soon as Google signs with it', async () => {
    await signedIn()
    const old = issuer.credential()
    issuer.rotate()
    await signedIn()
    expect(seen(await post(old)), 'and then the old one no more').to.deep.equal(REFUSED)
  })

  it('says so when Google cannot be asked', async () => {
    issuer.mood = 'failing'
    issuer.rotate()
    const answer = await signIn()
    issuer.mood = 'well'
    expect([answer.status, answer.header('retry-after')]).to.deep.equal([503, '5'])
    expect(answer.json().error).to.deep.include({ code: 'SERVICE_UNAVAILABLE' })
    await eventually(() => expect(api.stack.output.join('\n')).to.include('could not be fetched'))
  })
})

describe('POST /v2/auth/google where it is not set up', () => {
  const api = system(() => ({ GOOGLE_CLIENT_ID: '' }))

  it('says so, but first what is wrong with the request', async () => {
    const answer = await api.ask('POST', '/v2/auth/google', { json: { credential: 'x' } })
    expect(seen(answer)).to.deep.equal([
      500,
      '{"error":{"code":"INTERNAL_ERROR","message":"Google OAuth not configured","details":null}}',
    ])
    expect(problems(await api.ask('POST', '/v2/auth/google', { json: {} }))).to.deep.equal([required('body.credential')])
  })
})
