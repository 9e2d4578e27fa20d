import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { expect } from 'chai'
import type { Look } from '#services/operations/look.ts'
import type { Role } from '#services/ops/access.ts'
import { routes } from '#services/ops/routes/index.ts'
import { eventually } from '#test/kit/eventually.ts'
import { OPERATOR, OPS_PASSWORD, type Ops, startOps, VIEWER } from '#test/kit/ops.ts'

interface Answered {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

interface Sent {
  method?: string
  headers?: Record<string, string>
  body?: unknown
}

/** Sends what fetch would not: any Host, any Sec-Fetch-Site. A stream is left as soon as it has begun. */
const send = (url: string, path: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const type =
      text === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }
    const { hostname, port } = new URL(url)
    // Not by a URL, which would tidy the path.
    const sent = httpRequest({ hostname, port, path, method, headers: { ...type, ...headers }, agent: false }, (res) => {
      const answered = { status: res.statusCode!, headers: res.headers, body: '' }
      if (res.headers['content-type']?.startsWith('text/event-stream')) {
        res.destroy()
        return resolve(answered)
      }
      res.setEncoding('utf8')
      res.on('data', (chunk) => {
        answered.body += chunk
      })
      res.on('end', () => resolve(answered))
      res.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(text)
  })

const cell = { problem: 'not looked at' }
const look: Look = {
  at: 1,
  verdict: 'all is well, 0 behind',
  isWell: true,
  log: 'embedded',
  head: 0,
  consumers: cell,
  queues: cell,
  breaker: cell,
  tasks: cell,
  requests: cell,
  replays: cell,
} as Look

type Asker = 'nobody' | Role
const mayOf = (route: (typeof routes)[number]) => (route.spec as unknown as { may: Role | 'anyone' }).may
const tokens: Record<Asker, Record<string, string>> = {
  nobody: {},
  viewer: { authorization: `Bearer ${VIEWER}` },
  operator: { authorization: `Bearer ${OPERATOR}` },
}
const HOSTILE = [
  `<img src=x onerror=alert(1)>`,
  `'; drop table log.events; --`,
  `../../../etc/passwd`,
  `\u0000`,
  `%00%0d%0aSet-Cookie:x=y`,
  `😀${'x'.repeat(3000)}`,
  `__proto__`,
  `{"$ne":null}`,
  `\ud800`,
]

/** Each parameter of a path replaced. */
const pathOf = (path: string, value: string) =>
  path.replace(/[:*]\w+/g, () => (value.isWellFormed() ? encodeURIComponent(value) : '%ED%A0%80'))

describe('the page’s server, every route', function () {
  this.timeout(60_000)
  let ops: Ops
  let host: string
  let ways: { name: string; headers: Record<string, string>; isOurs: boolean }[]
  before(async () => {
    ops = await startOps({ look: async () => look, isReadOnly: true, isProjecting: false })
    host = new URL(ops.url).host
    ways = [
      { name: 'same origin', headers: { 'sec-fetch-site': 'same-origin', origin: ops.url }, isOurs: true },
      { name: 'no browser', headers: {}, isOurs: true },
      { name: 'cross-site', headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, isOurs: false },
      {
        name: 'another port of this machine',
        headers: { 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:1' },
        isOurs: false,
      },
      { name: 'old browser, foreign origin', headers: { origin: 'https://evil.example' }, isOurs: false },
      { name: 'old browser, opaque origin', headers: { origin: 'null' }, isOurs: false },
    ]
  })
  after(() => ops.stop())

  /** What must be answered to who asks in this way; undefined: whatever, but it passes the guard. */
  function refusal(route: (typeof routes)[number], asker: Asker, isOurs: boolean): number | undefined {
    const isApi = route.path.startsWith('/api/')
    if (!isOurs && (isApi || route.method !== 'GET')) return 403
    const may = mayOf(route)
    if (may === 'anyone') return undefined
    if (asker === 'nobody') return 401
    return may === 'operator' && asker === 'viewer' ? 403 : undefined
  }

  it('says who may', () => {
    for (const route of routes)
      expect(mayOf(route), `${route.method} ${route.path}`).to.be.oneOf(['anyone', 'viewer', 'operator'])
    const open = routes.filter((route) => mayOf(route) === 'anyone').map(({ method, path }) => `${method} ${path}`)
    expect(open, 'what strangers may').to.have.members(['GET /', 'GET /page/*path', 'GET /lib/*path', 'POST /api/session'])
    // Whatever is not a GET and for viewers touches nothing but their own session.
    const forViewers = routes.filter((route) => mayOf(route) === 'viewer' && route.method !== 'GET')
    expect(forViewers.map(({ method, path }) => `${method} ${path}`)).to.have.members([
      'POST /api/session/end',
      'DELETE /api/session',
    ])
  })

  it('answers nobody, viewers and operators as it is declared, from here and from elsewhere', async () => {
    for (const route of routes)
      for (const asker of ['nobody', 'viewer', 'operator'] as const)
        for (const { name, headers, isOurs } of ways) {
          const { method } = route
          const path = pathOf(route.path, 'x')
          const body = route.spec.body ? {} : undefined
          const { status, headers: got } = await send(ops.url, path, { method, headers: { ...tokens[asker], ...headers }, body })
          const what = `${method} ${route.path} by ${asker}, ${name}`
          const expected = refusal(route, asker, isOurs)
          if (expected === undefined && mayOf(route) !== 'anyone') {
            expect(status, what).to.be.lessThan(500)
            expect(status, what).to.not.be.oneOf([401, 403])
          } else if (expected !== undefined) expect(status, what).to.equal(expected)
          expect(
            Object.keys(got).filter((header) => header.startsWith('access-control')),
            what,
          ).to.deep.equal([])
        }
  })

  it('is given with headers that leave nothing to other pages, errors and unknown paths too', async () => {
    for (const path of ['/', '/api/me', '/api/look', '/nothing', '/api/nothing', '/page/%2e%2e%2fapp.ts', '//', '/api/look/']) {
      for (const headers of [tokens.viewer, {}]) {
        const { headers: got } = await send(ops.url, path, { headers })
        expect(got['content-security-policy'], path).to.include("default-src 'none'").and.to.include("frame-ancestors 'none'")
        expect(got['content-security-policy']).to.not.match(/unsafe-(inline|eval)|\*|data:|https?:/)
        expect(got).to.include({
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
          'x-frame-options': 'DENY',
        })
        if (path.startsWith('/api')) expect(got['cache-control'], path).to.equal('no-store')
      }
    }
  })

  it('refuses another host before it looks at anything (DNS rebinding)', async () => {
    for (const { method, path } of routes)
      for (const name of ['evil.example', `evil.example:${new URL(ops.url).port}`, 'localhost.evil.example']) {
        const { status } = await send(ops.url, pathOf(path, 'x'), { method, headers: { ...tokens.operator, host: name } })
        expect(status, `${method} ${path} at ${name}`).to.equal(421)
      }
    expect(
      (await send(ops.url, '/api/me', { headers: { ...tokens.viewer, host: `localhost:${host.split(':')[1]}` } })).status,
    ).to.equal(200)
  })

  it('answers no preflight and no method that it does not declare', async () => {
    for (const { path } of routes) {
      const asks = { origin: 'https://evil.example', 'access-control-request-method': 'POST' }
      const { status, headers } = await send(ops.url, pathOf(path, 'x'), { method: 'OPTIONS', headers: asks })
      expect(status, path).to.be.oneOf([403, 404, 405])
      expect(headers).to.not.have.property('access-control-allow-origin')
    }
    expect((await send(ops.url, '/api/session/end', { headers: tokens.operator })).status, 'no sign-out by GET').to.be.oneOf([
      404, 405,
    ])
  })

  it('is not broken by hostile ids, queries and bodies, nor repeats them as anything but JSON; a GET changes nothing', async () => {
    // The database is closed for writing here: what writes fails.
    for (const route of routes)
      for (const hostile of HOSTILE) {
        const { method } = route
        const query =
          method === 'GET'
            ? `?${['act', 'limit', 'at', 'id', 'stream', 'topic'].map((key) => `${key}=${pathOf(':v', hostile)}`).join('&')}`
            : ''
        const keys = ['secret', 'reason', 'name', 'token', 'what', 'requests', 'view', 'consumer', 'stream', 'position', 'at']
        const body = route.spec.body ? Object.fromEntries(keys.map((key) => [key, hostile])) : undefined
        const path = pathOf(route.path, hostile)
        const headers = { ...tokens.operator }
        const { status, headers: got, body: text } = await send(ops.url, path + query, { method, headers, body })
        const what = `${method} ${path.slice(0, 100)}: ${text.slice(0, 200)}`
        expect(status, what).to.be.lessThan(500)
        expect(got['set-cookie'] ?? [], what).to.satisfy((cookies: string[]) =>
          cookies.every((one) => one.startsWith('vidwiz_ops=;')),
        )
        if (text.includes(hostile) && hostile.startsWith('<')) expect(got['content-type'], what).to.match(/^application\/json/)
      }
    for (const route of routes.filter(({ method }) => method === 'GET')) {
      const { status } = await send(ops.url, pathOf(route.path, 'notes'), { headers: tokens.operator })
      if (!route.path.startsWith('/page') && route.path !== '/') expect(status, route.path).to.be.lessThan(500)
    }
  })

  it('takes no body that is large', async () => {
    const { status } = await send(ops.url, '/api/reveal', {
      method: 'POST',
      headers: tokens.operator,
      body: { reason: 'x'.repeat(70_000) },
    })
    expect(status).to.equal(413)
  })

  it('leaves no secret in the log', () => {
    const text = ops.lines.join('')
    for (const secret of [VIEWER, OPERATOR, OPS_PASSWORD]) expect(text).to.not.include(secret)
    expect(text).to.include('operator:vera')
  })
})

describe('signing in to the page', function () {
  this.timeout(30_000)
  let ops: Ops
  before(async () => {
    ops = await startOps({
      look: async () => look,
      isProjecting: false,
      isLimited: true,
      isKept: true,
      env: { TRUST_PROXY: '1' },
    })
  })
  after(() => ops.stop())
  const own = () => ({ 'sec-fetch-site': 'same-origin', origin: ops.url })
  const signIn = (secret: string, headers: Record<string, string> = {}) =>
    send(ops.url, '/api/session', { method: 'POST', headers: { ...own(), ...headers }, body: { secret } })
  const cookieIn = ({ headers }: Answered) => headers['set-cookie']![0]!.split(';')[0]!

  it('gives a session that only this page sends, and ends it', async () => {
    const begun = await signIn(OPS_PASSWORD)
    expect([begun.status, JSON.parse(begun.body)]).to.deep.equal([200, { name: 'operator', role: 'operator' }])
    expect(begun.headers['set-cookie']![0]).to.match(/^vidwiz_ops=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/)
    const cookie = cookieIn(begun)
    expect((await send(ops.url, '/api/me', { headers: { ...own(), cookie } })).status).to.equal(200)
    for (const headers of [
      { cookie },
      { cookie, origin: 'https://evil.example' },
      { cookie, 'sec-fetch-site': 'cross-site' },
    ] as Record<string, string>[])
      expect((await send(ops.url, '/api/session/end', { method: 'POST', headers })).status).to.equal(403)
    const ended = await send(ops.url, '/api/session/end', { method: 'POST', headers: { ...own(), cookie } })
    expect([ended.status, ended.headers['set-cookie']![0]]).to.deep.equal([
      204,
      'vidwiz_ops=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0',
    ])
    expect((await send(ops.url, '/api/me', { headers: { ...own(), cookie } })).status).to.equal(401)
  })

  it('gives a cookie for https alone behind a proxy that speaks it', async () => {
    const { headers } = await signIn(OPS_PASSWORD, { 'x-forwarded-proto': 'https' })
    expect(headers['set-cookie']![0]).to.match(/; Secure$/)
  })

  it('is refused after ten wrong secrets from an address, for the right one too, and goes on elsewhere', async () => {
    const from = (address: string) => ({ 'x-forwarded-for': address })
    for (let i = 0; i < 10; i++) expect((await signIn(`wrong ${i}`, from('192.0.2.1'))).status).to.equal(401)
    const refused = await signIn(OPS_PASSWORD, from('192.0.2.1'))
    expect(refused.status).to.equal(429)
    expect(Number(refused.headers['retry-after'])).to.be.within(1, 300)
    expect((await signIn(OPS_PASSWORD, from('192.0.2.2'))).status).to.equal(200)
    // Tokens are secrets as well.
    const bearer = (token: string) =>
      send(ops.url, '/api/me', { headers: { ...from('192.0.2.3'), authorization: `Bearer ${token}` } })
    for (let i = 0; i < 10; i++) expect((await bearer(`wrong-token-${i}`)).status).to.equal(401)
    expect((await bearer('one-more-wrong-token')).status).to.equal(429)
    expect((await bearer(VIEWER)).status, 'a guess that is right is not told apart').to.equal(429)
  })

  it('lasts while the server is restarted', async () => {
    const kept = () => ops.db.query('test.sessions', 'select digest from log.ops_sessions')
    const before = (await kept()).length
    const cookie = cookieIn(await signIn(OPS_PASSWORD))
    await eventually(async () => expect(await kept()).to.have.length.greaterThan(before))
    const again = await startOps({
      look: async () => look,
      isProjecting: false,
      isKept: true,
      database: { url: ops.databaseUrl, drop: async () => {} },
    })
    try {
      const { status } = await send(again.url, '/api/me', { headers: { 'sec-fetch-site': 'same-origin', cookie } })
      expect(status).to.equal(200)
      expect(JSON.stringify(await kept())).to.not.include(cookie.split('=')[1])
    } finally {
      await again.stop()
    }
  })

  it('writes no secret and no session to the log', () => {
    const text = ops.lines.join('')
    expect(text).to.not.include(OPS_PASSWORD).and.to.not.include('vidwiz_ops=').and.to.not.include('wrong-token')
    expect(text).to.include('somebody tried to sign in with a wrong secret')
  })
})
