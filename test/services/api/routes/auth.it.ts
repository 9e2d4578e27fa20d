import { expect } from 'chai'
import { claimsOf, noObject, noString, plain, problems, refusal, required, seen, signed, system, wrong } from './kit.ts'

let people = 0
const registration = (more: object = {}) => ({ email: `p${++people}@example.com`, password: 'long enough', name: 'Bob', ...more })

describe('signing up and in', () => {
  const api = system()

  describe('POST /v2/auth/register', () => {
    const register = (json: unknown) => api.ask('POST', '/v2/auth/register', { json })
    const CREATED = [201, '{"message":"User created successfully"}']

    it('opens an account', async () => {
      const answer = await register(registration())
      expect(seen(answer)).to.deep.equal(CREATED)
      expect(answer.header('content-type')).to.equal('application/json')
    })

    it('keeps the address in lower case and the name trimmed, and ignores what it does not know', async () => {
      const unknown = { id: 99, ai_notes_enabled: true, ['__proto__']: { name: 'x' }, constructor: 1 }
      expect(seen(await register(registration({ email: ' Bob.X@Example.COM\n', name: ' B ', ...unknown })))).to.deep.equal(
        CREATED,
      )
      const login = await api.ask('POST', '/v2/auth/login', { json: { email: 'BOB.X@example.com', password: 'long enough' } })
      const { body } = await api.ask('GET', '/v2/users/me', { token: login.json().token })
      expect(JSON.parse(body)).to.include({ email: 'bob.x@example.com', name: 'B', ai_notes_enabled: false })
    })

    it('counts code points, blanks too, and those of the name before it is trimmed', async () => {
      for (const fine of [{ password: '       ' }, { name: '😀😀' }, { name: 'é'.repeat(100) }])
        expect(seen(await register(registration(fine)))).to.deep.equal(CREATED)
      const short = (field: string, n: number) => [field, 'string_too_short', `String should have at least ${n} characters`]
      const cases: [object, unknown][] = [
        [{ password: '123456' }, short('body.password', 7)],
        [{ password: '😀😀😀😀😀😀' }, short('body.password', 7)],
        [{ name: '😀' }, short('body.name', 2)],
        [{ name: '' }, short('body.name', 2)],
        [{ name: 'é'.repeat(101) }, ['body.name', 'string_too_long', 'String should have at most 100 characters']],
        [{ name: '  ' }, wrong('body.name', 'Name cannot be empty')],
        [{ name: '\u0085\u3000\u001c' }, wrong('body.name', 'Name cannot be empty')],
      ]
      for (const [more, problem] of cases) expect(problems(await register(registration(more)))).to.deep.equal([problem])
    })

    it('names all that is wrong, in the order of declaration', async () => {
      expect(problems(await register({}))).to.deep.equal(['body.email', 'body.password', 'body.name'].map(required))
      expect(problems(await register({ name: 1, password: null, email: ['a@b.co'] }))).to.deep.equal(
        ['body.email', 'body.password', 'body.name'].map(noString),
      )
      const [field, type, message] = problems(await register(registration({ email: 'a@localhost' })))[0]!
      expect([field, type]).to.deep.equal(['body.email', 'value_error'])
      expect(message).to.match(/^value is not a valid email address: ./)
    })

    it('refuses characters that no database keeps', async () => {
      const unstorable = (field: string) => wrong(field, 'text must not contain NUL or half of a surrogate pair')
      expect(problems(await register(registration({ name: 'a\0b', password: 'long \ud800 enough' })))).to.deep.equal([
        unstorable('body.password'),
        unstorable('body.name'),
      ])
      expect(problems(await register(registration({ email: 'a\0@b.co' })))[0]).to.include('body.email')
    })

    it('refuses an address that is taken, in whatever case', async () => {
      const json = registration()
      await register(json)
      expect(seen(await register({ ...json, email: ` ${json.email.toUpperCase()}` }))).to.deep.equal(
        refusal(409, 'Email already exists'),
      )
    })

    it('lets exactly one of many at once have an address', async () => {
      const json = registration()
      const answers = await Promise.all(Array.from({ length: 8 }, () => register(json)))
      const refused = answers.filter(({ status }) => status !== 201)
      expect(refused.map(seen)).to.deep.equal(Array(7).fill(refusal(409, 'Email already exists')))
    })

    it('wants an object in JSON', async () => {
      const post = (body?: string | Uint8Array, type = 'application/json') =>
        api.ask('POST', '/v2/auth/register', { ...(body !== undefined && { body }), headers: { 'Content-Type': type } })
      for (const none of [undefined, '', 'null', ' null ']) expect(problems(await post(none))).to.deep.equal([required('body')])
      for (const other of ['[]', '"x"', '1', 'true', 'NaN']) expect(problems(await post(other))).to.deep.equal([noObject])
      expect(problems(await post(JSON.stringify(registration()), 'text/plain'))).to.deep.equal([noObject])
      expect(problems(await post('{"email":'))).to.deep.equal([['body.9', 'json_invalid', 'JSON decode error']])
      for (const unreadable of [Buffer.from([0x7b, 0xff, 0x7d]), '['.repeat(2000)])
        expect(seen(await post(unreadable))).to.deep.equal(plain(400, 'There was an error parsing the body'))
      const marked = `\ufeff{"password":"x","password":"long enough","email":"marked@example.com","name":"Bob","x":NaN}`
      expect(seen(await post(marked, 'application/vnd.api+json; charset=latin1'))).to.deep.equal(CREATED)
    })
  })

  describe('POST /v2/auth/login', () => {
    it('gives a token with exactly the claims that clients decode', async () => {
      const { email, password, id } = await api.someone()
      const before = Math.floor(Date.now() / 1000)
      const answer = await api.ask('POST', '/v2/auth/login', { json: { email: ` ${email.toUpperCase()} `, password } })
      const { token } = answer.json()
      expect(seen(answer)).to.deep.equal([200, JSON.stringify({ token })])
      expect(Buffer.from(token.split('.')[0], 'base64url').toString()).to.equal('{"alg":"HS256","typ":"JWT"}')
      const { exp, name } = claimsOf(token)
      expect(JSON.stringify(claimsOf(token))).to.equal(JSON.stringify({ user_id: id, email, name, profile_image_url: null, exp }))
      expect(exp - 24 * 3600).to.be.within(before, Math.ceil(Date.now() / 1000))
    })

    it('tells a stranger no more than that it is wrong', async () => {
      const json = registration()
      const withoutPassword = registration()
      for (const one of [json, withoutPassword]) await api.ask('POST', '/v2/auth/register', { json: one })
      await api.db.query(
        't.google',
        `delete from log.credentials c using log.reservations m where m.owner = c.owner and m.kind = 'email' and m.value = $1`,
        [withoutPassword.email],
      )
      const login = (email: string, password: string) => api.ask('POST', '/v2/auth/login', { json: { email, password } })
      for (const [email, password] of [
        [json.email, 'long enougH'],
        [json.email, 'x'],
        ['nobody@example.com', 'long enough'],
        [withoutPassword.email, 'long enough'],
      ])
        expect(seen(await login(email!, password!))).to.deep.equal(refusal(401, 'Invalid email or password'))
      expect((await login(json.email, 'long enough')).status).to.equal(200)
    })

    it('says what is wrong with what it was given', async () => {
      const login = async (json: unknown) => problems(await api.ask('POST', '/v2/auth/login', { json }))
      expect(await login({})).to.deep.equal(['body.email', 'body.password'].map(required))
      expect(await login({ email: 'a@b.co', password: '' })).to.deep.equal([
        ['body.password', 'string_too_short', 'String should have at least 1 character'],
      ])
      expect(await login({ email: 1, password: 1 })).to.deep.equal(['body.email', 'body.password'].map(noString))
      expect((await login({ email: 'nobody', password: 'x' }))[0])
        .to.include('body.email')
        .and.include('value_error')
    })
  })

  describe('who may', () => {
    const U: [string, string][] = [
      ['POST', '/v2/auth/tokens'],
      ['DELETE', '/v2/auth/tokens'],
      ['GET', '/v2/users/me'],
      ['PATCH', '/v2/users/me'],
      ['GET', '/v2/videos'],
      ['GET', '/v2/videos/dQw4w9WgXcQ'],
      ['GET', '/v2/videos/dQw4w9WgXcQ/notes'],
      ['PATCH', '/v2/notes/1'],
      ['DELETE', '/v2/notes/1'],
    ]
    const UL: [string, string] = ['POST', '/v2/videos/dQw4w9WgXcQ/notes']
    const sign = (claims: object, secret = api.stack.secretKey, alg = 'HS256') => signed(claims, { secret, alg })
    const now = Math.floor(Date.now() / 1000)

    it('is said before anything about path, query and body, on every route', async () => {
      for (const [method, path] of [...U, UL]) {
        const says = async (authorization?: string) =>
          seen(
            await api.ask(method, path.replace('dQw4w9WgXcQ', 'no-id').replace('/1', '/x'), {
              json: [],
              headers: authorization === undefined ? {} : { Authorization: authorization },
            }),
          )
        const missing = refusal(401, 'Missing or invalid Authorization header')
        const invalid = refusal(401, 'Invalid or expired token')
        const good = sign({ user_id: 1 })
        for (const header of [undefined, 'Bearer', `bearer ${good}`, `Basic ${good}`, good, `Token Bearer ${good}`])
          expect(await says(header), `${method} ${path} ${header}`).to.deep.equal(missing)
        for (const token of [
          'x',
          ` ${good}`,
          `${good}x`,
          sign({ user_id: 1 }, 'another key'),
          sign({ user_id: 1 }, api.stack.secretKey, 'HS512'),
          `${sign({ user_id: 1 }, '', 'none').split('.').slice(0, 2).join('.')}.`,
          sign({ user_id: 1, exp: now - 1 }),
          sign({ user_id: 1, nbf: now + 3600 }),
          sign({ user_id: 1, iat: now + 3600 }),
          sign({ user_id: 1, aud: 'us' }),
          sign({ user_id: 'bob' }),
        ])
          expect(await says(`Bearer ${token}`), `${method} ${path} ${JSON.stringify(token)}`).to.deep.equal(invalid)
        for (const claims of [{}, { user_id: 0 }, { user_id: null }, { user_id: '' }])
          expect(await says(`Bearer ${sign(claims)}`)).to.deep.equal(refusal(401, 'Invalid token payload'))
      }
    })

    it('is no long-term token, true or forged, but where notes are taken; there only the one that was issued', async () => {
      const { id, email, ask } = await api.someone()
      const { token } = (await ask('POST', '/v2/auth/tokens')).json()
      const forged = sign({ user_id: id, email, type: 'long_term', iat: now - 5 })
      for (const [method, path] of U)
        for (const bearer of [token, forged, sign({ type: 'long_term' })])
          expect(seen(await api.ask(method, path, { token: bearer })), `${method} ${path}`).to.deep.equal(
            refusal(401, 'Long-term tokens are not allowed for this endpoint'),
          )
      for (const bearer of [forged, sign({ user_id: 999_999, type: 'long_term' })])
        expect(seen(await api.ask(...UL, { token: bearer }))).to.deep.equal(refusal(401, 'Invalid or revoked long-term token'))
      expect((await api.ask(...UL, { token, json: { timestamp: '0:01' } })).status).to.equal(201)
    })

    it('is anybody with a rightly signed token, whatever its type, and with the number as a text', async () => {
      const { id } = await api.someone()
      for (const claims of [{ user_id: String(id) }, { user_id: id, type: 'other', jti: 'x' }])
        expect((await api.ask('GET', '/v2/users/me', { token: sign(claims) })).json()).to.include({ id })
    })

    it('is also somebody without an account, who can take notes but has no profile', async () => {
      const token = sign({ user_id: 424_242 })
      for (const [method, path] of U.slice(0, 4))
        expect(seen(await api.ask(method, path, { token, json: {} })), `${method} ${path}`).to.deep.equal(
          refusal(404, 'User not found'),
        )
      const answer = await api.ask(...UL, { token, json: { timestamp: '0:01' } })
      expect([answer.status, answer.json().user_id]).to.deep.equal([201, 424_242])
    })
  })

  describe('the long-term token', () => {
    const note = { json: { timestamp: '0:01' } }
    const REVOKED = refusal(401, 'Invalid or revoked long-term token')
    const take = async (token: string) => seen(await api.ask('POST', '/v2/videos/dQw4w9WgXcQ/notes', { token, ...note }))
    const tokenOf = async (ask: typeof api.ask) => {
      const { token_exists, long_term_token } = (await ask('GET', '/v2/users/me')).json()
      return [token_exists, long_term_token]
    }

    it('is issued, shown, used, revoked and replaced; the old one stays refused', async () => {
      const { id, email, ask } = await api.someone()
      expect(await tokenOf(ask)).to.deep.equal([false, null])
      expect(seen(await ask('DELETE', '/v2/auth/tokens'))).to.deep.equal(refusal(404, 'No long-term token found'))

      const issued = await ask('POST', '/v2/auth/tokens')
      const first = issued.json().token
      expect(seen(issued)).to.deep.equal([
        200,
        JSON.stringify({ message: 'Long-term token generated successfully', token: first }),
      ])
      const { iat } = claimsOf(first)
      expect(JSON.stringify(claimsOf(first))).to.equal(JSON.stringify({ user_id: id, email, type: 'long_term', iat }))
      for (let i = 0; i < 3; i++) expect(await tokenOf(ask)).to.deep.equal([true, first])
      expect((await take(first))[0]).to.equal(201)
      expect(seen(await ask('POST', '/v2/auth/tokens'))).to.deep.equal(
        refusal(400, 'A long-term token already exists. Please revoke the existing token before generating a new one.'),
      )

      expect(seen(await ask('DELETE', '/v2/auth/tokens'))).to.deep.equal([
        200,
        '{"message":"Long-term token revoked successfully"}',
      ])
      expect(await take(first)).to.deep.equal(REVOKED)
      expect(await tokenOf(ask)).to.deep.equal([false, null])

      const second = (await ask('POST', '/v2/auth/tokens')).json().token
      expect(second).not.to.equal(first)
      expect(await tokenOf(ask)).to.deep.equal([true, second])
      expect((await take(second))[0]).to.equal(201)
      expect(await take(first)).to.deep.equal(REVOKED)
      expect(await api.eventsOf(`user-${id}`)).to.deep.equal([
        'UserRegistered',
        'LongTermTokenIssued',
        'LongTermTokenRevoked',
        'LongTermTokenIssued',
      ])
    })

    it('is issued to one and revoked by one of many who ask at once', async () => {
      const { ask } = await api.someone()
      const many = async (method: string) =>
        (await Promise.all(Array.from({ length: 8 }, () => ask(method, '/v2/auth/tokens')))).map(({ status }) => status).sort()
      expect(await many('POST')).to.deep.equal([200, ...Array(7).fill(400)])
      expect(await many('DELETE')).to.deep.equal([200, ...Array(7).fill(404)])
    })

    it('needs no body and looks at none', async () => {
      const { ask } = await api.someone()
      for (const method of ['POST', 'DELETE'])
        expect((await ask(method, '/v2/auth/tokens', { body: Buffer.from([0x7b, 0xff]) })).status).to.equal(200)
    })
  })
})
