import { expect } from 'chai'
import { plain, refusal, seen, system } from './kit.ts'

const EXPOSED = 'X-Request-ID, Retry-After, ETag, VidWiz-Position, VidWiz-Visible, Idempotency-Replayed'

describe('the API as HTTP', () => {
  const api = system()

  it('is healthy', async () => {
    expect(seen(await api.ask('GET', '/health'))).to.deep.equal([200, '{"status":"ok"}'])
  })

  it('does not know other paths, whatever the method', async () => {
    for (const path of [
      '/',
      '/v2',
      '/v2/',
      '/v2/health',
      '/docs/x',
      '/openapi',
      '//v2/videos',
      '/v2//videos',
      '/V2/videos',
      '/v2/Videos',
    ])
      for (const method of ['GET', 'POST', 'HEAD', 'OPTIONS', 'PROPFIND'])
        expect(seen(await api.ask(method, path)), `${method} ${path}`).to.deep.equal(
          method === 'HEAD' ? [404, ''] : plain(404, 'Not Found'),
        )
    expect(seen(await api.ask('GET', '/v2/notes/1/x'))).to.deep.equal(plain(404, 'Not Found'))
    expect(seen(await api.ask('GET', '/v2/videos/a%2Fb'))).to.deep.equal(plain(404, 'Not Found'))
    expect(seen(await api.ask('GET', '/v2/videos/dQw4w9WgXcQ/notes/../notes'))).to.deep.equal(plain(404, 'Not Found'))
  })

  it('takes as much as each route may need, and says clearly what is too much', async () => {
    const bob = await api.someone()
    const post = async (path: string, json: object) =>
      (await api.ask('POST', path, { json, token: path.includes('internal') ? api.stack.adminToken : bob.token })).status
    const long = (length: number) => 'x'.repeat(length)
    const rows = Array.from({ length: 100_000 }, (_, n) => ({ text: long(50), offset: n, duration: 1 }))
    expect(await post('/v2/videos/manyLetters/notes', { timestamp: '0:01', text: long(5_000_000) })).to.equal(201)
    expect(await post('/v2/internal/videos/manyLetters/transcript', { transcript: rows })).to.equal(200)
    const registration = (password: string) => ({ email: 'long@example.com', name: 'Long', password })
    expect(await post('/v2/auth/register', registration(long(200_000)))).to.equal(201)
    const tooLong = await api.ask('POST', '/v2/auth/register', { json: registration(long(300_000)) })
    expect([tooLong.status, tooLong.json().error]).to.deep.equal([
      413,
      { code: 'PAYLOAD_TOO_LARGE', message: 'Request body is larger than 262144 bytes', details: null },
    ])
    expect(await post('/v2/videos/manyLetters/notes', { timestamp: '0:01', text: long(7_000_000) })).to.equal(413)
    expect(await post('/v2/conversations', { video_id: long(1_100_000) })).to.equal(413)
    expect(await post('/v2/internal/videos/manyLetters/metadata', { metadata: { a: long(17_000_000) } })).to.equal(413)
  })

  it('tells a client that is still sending and then would close the connection why it will not have that', async () => {
    const body = 'x'.repeat(17_000_000)
    for (let round = 0; round < 10; round++)
      expect((await api.ask('POST', '/v2/auth/login', { body, headers: { Connection: 'close' } })).status).to.equal(413)
  })

  it('says the same of every answer: where it came from, and no more than it must', async () => {
    const bob = await api.someone()
    const answers = [
      await api.ask('GET', '/health'),
      await api.ask('GET', '/nowhere'),
      await api.ask('PUT', '/health'),
      await api.ask('GET', '/health/'),
      await api.ask('GET', '/v2/videos'),
      await bob.ask('GET', '/v2/videos'),
      await bob.ask('GET', '/v2/videos/dQw4w9WgXcQ'),
      await api.ask('POST', '/v2/auth/login', { body: '{' }),
      await api.ask('OPTIONS', '/', { headers: { Origin: 'https://a.example', 'Access-Control-Request-Method': 'GET' } }),
    ]
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 404, 405, 307, 401, 200, 404, 422, 200])
    for (const answer of answers) {
      expect(answer.header('referrer-policy')).to.equal('strict-origin-when-cross-origin')
      expect(answer.header('x-request-id')).to.match(/^[0-9a-f-]{36}$/)
      for (const name of [
        'www-authenticate',
        'etag',
        'cache-control',
        'x-powered-by',
        'server',
        'content-encoding',
        'set-cookie',
      ])
        expect(answer.header(name), name).to.equal(undefined)
      for (const [name, values] of answer.headers) expect(values, name).to.have.length(1)
    }
    const types = answers.map((answer) => answer.header('content-type'))
    expect(types).to.deep.equal([
      ...types.slice(0, 3).fill('application/json'),
      undefined,
      ...Array(4).fill('application/json'),
      'text/plain; charset=utf-8',
    ])
  })

  it('lets pages of any origin read every answer, also a refusal', async () => {
    const grants = (answer: { headers: Map<string, string[]> }) =>
      [...answer.headers].filter(([name]) => /^(access-control|vary)/.test(name)).map(([name, [value]]) => `${name}: ${value}`)
    const credentials = ['access-control-allow-credentials: true', `access-control-expose-headers: ${EXPOSED}`]
    for (const path of ['/health', '/nowhere', '/v2/videos', '/health/']) {
      expect(grants(await api.ask('GET', path))).to.deep.equal([])
      expect(grants(await api.ask('GET', path, { headers: { Origin: 'https://a.example' } }))).to.deep.equal([
        'access-control-allow-origin: *',
        ...credentials,
      ])
      expect(grants(await api.ask('GET', path, { headers: { Origin: 'https://a.example', Cookie: 'a=b' } }))).to.deep.equal([
        'access-control-allow-origin: https://a.example',
        ...credentials,
        'vary: Origin',
      ])
    }
    for (const path of ['/v2/notes/1', '/nowhere']) {
      const headers = {
        Origin: 'null',
        'Access-Control-Request-Method': 'DELETE',
        'Access-Control-Request-Headers': 'authorization',
      }
      const answer = await api.ask('OPTIONS', path, { headers })
      expect(seen(answer)).to.deep.equal([200, 'OK'])
      expect(grants(answer)).to.have.members([
        'access-control-allow-origin: null',
        'access-control-allow-credentials: true',
        'access-control-allow-methods: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT',
        'access-control-max-age: 600',
        'access-control-allow-headers: authorization',
        'vary: Origin',
      ])
    }
  })

  it('writes the name that a client gave its request on the events that it caused', async () => {
    const bob = await api.someone()
    const headers = { 'X-Request-ID': 'from-the-web-app-1', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
    const json = { timestamp: '0:01' }
    const answer = await bob.ask('POST', '/v2/videos/dQw4w9WgXcQ/notes', { json, headers })
    expect(answer.header('x-request-id')).to.equal('from-the-web-app-1')
    const [event] = await api.db.query(
      't.envelope',
      'select actor, correlation_id, traceparent from log.events where stream = $1',
      [`note-${answer.json().id}`],
    )
    expect(event).to.deep.equal({
      actor: `user-${bob.id}`,
      correlation_id: 'from-the-web-app-1',
      traceparent: headers.traceparent,
    })
  })

  it('gives the same answer to a repeated Idempotency-Key, and nothing happens twice', async () => {
    const [bob, alice] = [await api.someone(), await api.someone()]
    const headers = { 'Idempotency-Key': 'my key' }
    const json = { timestamp: '0:01', text: 'once' }
    const post = (ask = bob.ask, more: object = {}) =>
      ask('POST', '/v2/videos/idempotent1/notes', { json: { ...json, ...more }, headers })
    const answers = await Promise.all([post(), post(), post(), post()])
    answers.push(await post())
    expect(new Set(answers.map(({ body }) => body)).size).to.equal(1)
    expect(answers.map(({ status }) => status)).to.deep.equal(Array(5).fill(201))
    expect(answers.filter((answer) => answer.header('idempotency-replayed') === 'true')).to.have.length(4)
    expect((await bob.ask('GET', '/v2/videos/idempotent1/notes')).json()).to.have.length(1)

    const used = refusal(422, 'This Idempotency-Key was used with another request')
    expect(seen(await post(bob.ask, { text: 'twice' }))).to.deep.equal(used)
    expect(seen(await bob.ask('POST', '/v2/auth/tokens', { headers }))).to.deep.equal(used)
    expect((await post(alice.ask)).json().user_id, 'another person’s key is another key').to.equal(alice.id)
    for (const bad of ['', 'é', 'x'.repeat(256)]) {
      const answer = await bob.ask('POST', '/v2/videos/idempotent1/notes', { json, headers: { 'Idempotency-Key': bad } })
      expect(seen(answer)).to.deep.equal(refusal(400, 'Idempotency-Key must be 1 to 255 printable ASCII characters'))
    }
  })

  it('opens no second account and issues no second token to a repeated Idempotency-Key', async () => {
    const json = { email: 'again@example.com', password: 'long enough', name: 'Again' }
    const headers = { 'Idempotency-Key': 'k' }
    const register = (more: object = {}) => api.ask('POST', '/v2/auth/register', { json: { ...json, ...more }, headers })
    for (let i = 0; i < 3; i++) expect((await register()).status).to.equal(201)
    expect(seen(await register({ name: 'Other' })), 'strangers cannot use up each other’s keys').to.deep.equal(
      refusal(409, 'Email already exists'),
    )
    const login = await api.ask('POST', '/v2/auth/login', { json })
    const { token } = login.json()
    const issue = () => api.ask('POST', '/v2/auth/tokens', { token, headers })
    const first = await issue()
    expect(first.status).to.equal(200)
    expect(seen(await issue())).to.deep.equal(seen(first))
    const { id } = (await api.ask('GET', '/v2/users/me', { token })).json()
    expect(await api.eventsOf(`user-${id}`)).to.deep.equal(['UserRegistered', 'LongTermTokenIssued'])
    for (let i = 0; i < 2; i++)
      expect((await api.ask('DELETE', '/v2/auth/tokens', { token, headers: { 'Idempotency-Key': 'd' } })).status).to.equal(200)
  })
})
