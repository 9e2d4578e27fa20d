import { expect } from 'chai'
import { plain, refusal, seen, system } from './kit.ts'

const METHODS_OF: Record<string, string> = {
  '/health': 'GET',
  '/v2/auth/register': 'POST',
  '/v2/auth/login': 'POST',
  '/v2/auth/tokens': 'POST, DELETE',
  '/v2/users/me': 'GET, PATCH',
  '/v2/videos': 'GET',
  '/v2/videos/dQw4w9WgXcQ': 'GET',
  '/v2/videos/dQw4w9WgXcQ/notes': 'GET, POST',
  '/v2/notes/1': 'PATCH, DELETE',
}
const EXPOSED = 'X-Request-ID, Retry-After, VidWiz-Visible, Idempotency-Replayed'

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
      '/docs',
      '/openapi.json',
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

  it('names all methods of a path to who used another one', async () => {
    for (const [path, allowed] of Object.entries(METHODS_OF))
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE']) {
        if (allowed.split(', ').includes(method)) continue
        const answer = await api.ask(method, path, { body: '{' })
        expect(seen(answer), `${method} ${path}`).to.deep.equal(method === 'HEAD' ? [405, ''] : plain(405, 'Method Not Allowed'))
        expect(answer.header('allow'), `${method} ${path}`).to.equal(allowed)
      }
  })

  it('sends who added a slash to the path without it, with whatever method', async () => {
    for (const path of Object.keys(METHODS_OF))
      for (const method of ['GET', 'POST', 'PUT']) {
        const answer = await api.ask(method, `${path}/?a=b%20c&d`, { body: '{' })
        expect([...seen(answer), answer.header('location')]).to.deep.equal([307, '', `http://vid.example${path}?a=b%20c&d`])
      }
    expect((await api.ask('GET', '/nowhere/')).status).to.equal(404)
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
