import { expect } from 'chai'
import { z } from 'zod'
import { routesOf } from '#platform/http/route.ts'
import { open, written } from './raw.ts'
import { smallApp } from './small-app.ts'

type App = Awaited<ReturnType<typeof smallApp>>

const JSON_TYPE = { 'Content-Type': 'application/json' }
const SESAME = { Authorization: 'Bearer sesame' }
const UNREADABLE = { detail: 'There was an error parsing the body' }

describe('the HTTP edge', () => {
  let app: App
  before(async () => {
    app = await smallApp()
  })
  after(() => app.close())

  const detailsOf = async (...request: Parameters<App['ask']>) => {
    const answer = await app.ask(...request)
    return {
      status: answer.status,
      details: answer.json().error?.details?.map((d: { field: string; type: string }) => `${d.field} ${d.type}`),
    }
  }

  describe('finding a route', () => {
    it('answers 404 in the words of the framework, with the headers of every answer', async () => {
      for (const path of ['/', '/nowhere', '/Plain', '//plain', '/plain//x', '/segment', '/segment/', '/segment/a/b']) {
        const answer = await app.ask('GET', path)
        expect([path, answer.status, answer.body]).to.deep.equal([path, 404, '{"detail":"Not Found"}'])
        expect(answer.header('content-type')).to.equal('application/json')
        expect(answer.header('referrer-policy')).to.equal('strict-origin-when-cross-origin')
        expect(answer.header('x-request-id')).to.have.length(36)
      }
    })

    it('answers 405 with all methods of the path', async () => {
      for (const method of ['GET', 'PUT', 'HEAD', 'OPTIONS']) {
        const answer = await app.ask(method, '/things/1')
        expect([answer.status, answer.header('allow')]).to.deep.equal([405, 'PATCH, DELETE'])
      }
      expect((await app.ask('POST', '/plain')).body).to.equal('{"detail":"Method Not Allowed"}')
    })

    it('asks all paths that match before it says that the method is wrong', async () => {
      expect((await app.ask('GET', '/segment/special')).body).to.equal('{"name":"special"}')
      expect((await app.ask('POST', '/segment/special')).body).to.equal('{"special":true}')
      const answer = await app.ask('PUT', '/segment/special')
      expect([answer.status, answer.header('allow')]).to.deep.equal([405, 'POST, GET'])
    })

    it('sends a path with a slash too many to the right one, with method, query and host', async () => {
      const cases: [string, string, string][] = [
        ['GET', '/plain/', 'http://vid.example/plain'],
        ['POST', '/things/1/?a=b%20c&d', 'http://vid.example/things/1?a=b%20c&d'],
        ['GET', '/plain///', 'http://vid.example/plain'],
        ['GET', '/segment/%C3%A9%3F/', 'http://vid.example/segment/%C3%A9%3F'],
      ]
      for (const [method, path, location] of cases) {
        const answer = await app.ask(method, path, {}, method === 'POST' ? '{' : undefined)
        expect([answer.status, answer.header('location'), answer.body]).to.deep.equal([307, location, ''])
      }
      expect((await app.ask('GET', '/plain/', { 'X-Forwarded-Proto': 'https' })).header('location')).to.equal(
        'https://vid.example/plain',
      )
    })

    it('decodes a path first: an escaped slash is a slash, what is no escape is itself', async () => {
      expect((await app.ask('GET', '/pl%61in')).status).to.equal(200)
      expect((await app.ask('GET', '/segment/a%2Fb')).status).to.equal(404)
      const cases: [string, string][] = [
        ['%zz%', '%zz%'],
        ['100%25', '100%'],
        ['%C3%A9', 'é'],
        ['%20a%0A', ' a\n'],
        ['a%3Fb%23', 'a?b#'],
        ['%FF', '\ufffd'],
        ["a:b@c;d,e=f&g+h!'()*", "a:b@c;d,e=f&g+h!'()*"],
      ]
      for (const [segment, name] of cases) expect((await app.ask('GET', `/segment/${segment}`)).json()).to.deep.equal({ name })
    })

    it('takes the last of repeated query values', async () => {
      expect((await app.ask('GET', '/query?a=1&b=x+y%C3%A9&a=2&__proto__=3&c')).body).to.equal('{"a":"2","b":"x yé","c":""}')
    })
  })

  describe('reading a body', () => {
    const echo = (headers: Record<string, string>, body?: string | Uint8Array) => app.ask('POST', '/echo', headers, body)

    it('takes JSON for what it says it is, and for what says nothing', async () => {
      for (const type of [
        'application/json',
        'APPLICATION/JSON; charset=latin1',
        'application/vnd.api+json',
        ' application/json ',
        '',
      ]) {
        const answer = await echo({ 'Content-Type': type }, '{"text":"é"}')
        expect([type, answer.status, answer.body]).to.deep.equal([type, 201, '{"text":"é"}'])
      }
      expect((await echo({}, '{"text":"x"}')).status).to.equal(201)
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'text/json'])
        expect((await echo({ 'Content-Type': type }, '{"text":"x"}')).json().error.details).to.deep.equal([
          {
            field: 'body',
            message: 'Input should be a valid dictionary or object to extract fields from',
            type: 'model_attributes_type',
          },
        ])
    })

    it('tolerates a byte order mark, NaN, repeated keys and a body in chunks', async () => {
      expect((await echo(JSON_TYPE, '\ufeff{"text":"x"}')).status).to.equal(201)
      expect((await echo(JSON_TYPE, '{"text":"x","junk":NaN}')).body).to.equal('{"text":"x"}')
      expect((await echo(JSON_TYPE, '{"text":"x","text":"y"}')).body).to.equal('{"text":"y"}')
      const connection = await open(app.port)
      connection.write('POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
      for (const byte of Buffer.from('{"text":"é"}'))
        connection.write(Buffer.concat([Buffer.from('1\r\n'), Buffer.from([byte]), Buffer.from('\r\n')]))
      connection.write('0\r\n\r\n')
      expect((await connection.answer()).body).to.equal('{"text":"é"}')
      connection.socket.destroy()
    })

    it('says that there is none', async () => {
      for (const answer of [
        await echo(JSON_TYPE),
        await echo(JSON_TYPE, ''),
        await echo(JSON_TYPE, 'null'),
        await echo({ 'Content-Type': 'text/plain' }, ''),
      ])
        expect(answer.json()).to.deep.equal({
          error: {
            code: 'VALIDATION_ERROR',
            message: 'Request validation failed',
            details: [{ field: 'body', message: 'Field required', type: 'missing' }],
          },
        })
    })

    it('tells where JSON stops being JSON', async () => {
      const answer = await echo(JSON_TYPE, '{text:1}')
      expect(answer.status).to.equal(422)
      expect(answer.json().error.details).to.deep.equal([{ field: 'body.1', message: 'JSON decode error', type: 'json_invalid' }])
    })

    it('gives up on what is not UTF-8 or nested too deeply', async () => {
      const bodies = [
        Buffer.from([0x22, 0xff, 0x22]),
        Buffer.from('{"text":"\xe9"}', 'latin1'),
        Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
        '['.repeat(100_000),
      ]
      for (const body of bodies) {
        const answer = await echo(JSON_TYPE, body)
        expect([answer.status, answer.json()]).to.deep.equal([400, UNREADABLE])
      }
    })

    it('does not look at the body where none is wanted', async () => {
      expect((await app.ask('DELETE', '/things/1', { ...SESAME, ...JSON_TYPE }, Buffer.from([0xff]))).status).to.equal(200)
      expect((await app.ask('GET', '/plain', JSON_TYPE, '{')).status).to.equal(200)
    })

    it('refuses one that is too large, by what it says or by what it sends, and the connection goes on', async () => {
      const small = await smallApp({ bodyLimitBytes: 1000 })
      const connection = await open(small.port)
      const tooLarge = { error: { code: 'PAYLOAD_TOO_LARGE', message: 'Request body is larger than 1000 bytes', details: null } }
      connection.write(written('POST', '/echo', {}, 'x'.repeat(1_000_000)))
      const byLength = await connection.answer()
      expect([byLength.status, byLength.json()]).to.deep.equal([413, tooLarge])
      connection.write(`POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n${'x'.repeat(1001)}\r\n`)
      const bySize = await connection.answer()
      expect([bySize.status, bySize.json()]).to.deep.equal([413, tooLarge])
      connection.write('5\r\nxxxxx\r\n0\r\n\r\n')
      connection.write(written('POST', '/echo', {}, `{"text":"${'x'.repeat(1000 - 11)}"}`))
      expect((await connection.answer()).status).to.equal(201)
      connection.socket.destroy()
      await small.close()
    })
  })

  describe('a large body', () => {
    const LARGE = 100_000
    const head = (framing: string, more = '') => `PATCH /things/1 HTTP/1.1\r\nHost: x\r\n${framing}\r\n${more}\r\n`
    const sesame = 'Authorization: Bearer sesame\r\n'
    const chunk = `${LARGE.toString(16)}\r\n${'x'.repeat(LARGE)}\r\n`

    it('of a stranger is refused before it is taken in, and the connection goes on', async () => {
      const connection = await open(app.port)
      connection.write(head(`Content-Length: ${10 * LARGE}`))
      expect((await connection.answer()).status, 'by what it says').to.equal(401)
      connection.write('x'.repeat(10 * LARGE))
      connection.write(head('Transfer-Encoding: chunked') + chunk)
      expect((await connection.answer()).status, 'by what came').to.equal(401)
      connection.write(`${chunk.repeat(20)}0\r\n\r\n`)
      connection.write(written('GET', '/plain'))
      expect((await connection.answer()).status).to.equal(200)
      connection.socket.destroy()
    })

    it('is looked through only then, so a stranger is not told what is wrong with it', async () => {
      const bad = `{"text":"${'x'.repeat(LARGE)}"`
      expect(await detailsOf('PATCH', '/things/1', {}, bad)).to.deep.equal({ status: 401, details: undefined })
      expect((await detailsOf('PATCH', '/things/1', SESAME, bad)).status).to.equal(422)
    })

    it('is taken in whole, in one piece or many, with the door asked once', async () => {
      const body = `{"text":"${'x'.repeat(5 * LARGE)}"}`
      expect((await app.ask('PATCH', '/things/1', SESAME, body)).status).to.equal(200)
      const connection = await open(app.port)
      connection.write(head('Transfer-Encoding: chunked', sesame))
      for (let at = 0; at < body.length; at += 30_000) {
        const part = body.slice(at, at + 30_000)
        connection.write(`${part.length.toString(16)}\r\n${part}\r\n`)
        await new Promise(setImmediate)
      }
      connection.write('0\r\n\r\n')
      const answer = await connection.answer()
      expect([answer.status, answer.json().body.text.length]).to.deep.equal([200, 5 * LARGE])
      connection.socket.destroy()
    })

    it('is refused where its route takes less, whoever sends it', async () => {
      const limited = routesOf()(
        'POST',
        '/',
        { body: z.unknown(), bodyLimitBytes: 2000, answers: { 200: z.unknown() } },
        async () => ({}),
      )
      const own = await smallApp({ routes: [limited] })
      expect((await own.ask('POST', '/', {}, `"${'x'.repeat(1998)}"`)).status).to.equal(200)
      const answer = await own.ask('POST', '/', {}, `"${'x'.repeat(1999)}"`)
      expect([answer.status, answer.json().error.message]).to.deep.equal([413, 'Request body is larger than 2000 bytes'])
      await own.close()
    })
  })

  describe('the order of checks', () => {
    const patch = (path: string, headers: Record<string, string>, body?: string | Uint8Array) =>
      detailsOf('PATCH', path, headers, body)

    it('is route, bytes of the body, JSON, who asks, what is asked for, whether it exists, the body', async () => {
      expect(await patch('/things/1/x', {}, '{')).to.deep.equal({ status: 404, details: undefined })
      expect(await patch('/things/x', {}, Buffer.from([0xff]))).to.deep.equal({ status: 400, details: undefined })
      expect(await patch('/things/x', {}, '{')).to.deep.equal({ status: 422, details: ['body.1 json_invalid'] })
      expect(await patch('/things/x', {}, '{}')).to.deep.equal({ status: 401, details: undefined })
      expect(await patch('/things/x', SESAME, '{}')).to.deep.equal({
        status: 422,
        details: ['path.thing int_parsing', 'body.text missing'],
      })
      expect(await patch('/things/2', SESAME, '{}')).to.deep.equal({ status: 404, details: undefined })
      expect(await patch('/things/2', SESAME)).to.deep.equal({ status: 404, details: undefined })
      expect(await patch('/things/2?page=0', SESAME, '{}')).to.deep.equal({
        status: 422,
        details: ['query.page greater_than_equal', 'body.text missing'],
      })
      expect(await patch('/things/1', SESAME, '{"text":1,"x":2}')).to.deep.equal({
        status: 422,
        details: ['body.text string_type', 'body.x extra_forbidden'],
      })
      expect((await app.ask('PATCH', '/things/5?page=%202.0&sort=up', SESAME, '{"text":""}')).json()).to.deep.equal({
        user: { name: 'ali' },
        params: { thing: 5 },
        query: { sort: 'up', page: 2 },
        body: { text: '' },
      })
    })

    it('lets a precheck speak before authentication, if the query is well-formed', async () => {
      expect((await patch('/things/x?sort=down', {}, '{}')).status).to.equal(400)
      expect((await patch('/things/x?sort=down&page=0', {}, '{}')).status).to.equal(401)
      expect((await patch('/things/1?sort=down&page=0', SESAME, '{}')).status).to.equal(422)
      expect((await patch('/things/1?sort=down', {}, '{')).details).to.deep.equal(['body.1 json_invalid'])
    })
  })

  describe('answering', () => {
    it('sends JSON with its length and the headers of the route', async () => {
      const answer = await app.ask('POST', '/echo', {}, '{"text":"😀","flag":"yes"}')
      expect([answer.status, answer.body]).to.deep.equal([201, '{"text":"😀","flag":true}'])
      expect(answer.header('content-type')).to.equal('application/json')
      expect(answer.header('x-own')).to.equal('yes')
      for (const name of ['etag', 'x-powered-by', 'www-authenticate', 'cache-control', 'vary', 'access-control-allow-origin'])
        expect(answer.header(name), name).to.equal(undefined)
    })

    it('sends JSON that is written already as it is, and another status when told', async () => {
      expect((await app.ask('GET', '/text')).body).to.equal('{"n":12345678901234567890}')
      expect((await app.ask('GET', '/teapot')).status).to.equal(418)
    })

    it('explains what was foreseen and hides what was not, of which the log keeps no row', async () => {
      expect((await app.ask('GET', '/foreseen')).body).to.equal('{"error":{"code":"CONFLICT","message":"taken","details":null}}')
      const answer = await app.ask('GET', '/crash', { Origin: 'https://a.example', 'X-Request-ID': 'crash-1' })
      expect([answer.status, answer.body]).to.deep.equal([
        500,
        '{"error":{"code":"INTERNAL_ERROR","message":"Internal Server Error","details":null}}',
      ])
      expect(answer.header('access-control-allow-origin')).to.equal('*')
      const [failed] = app.lines.filter((line) => line.includes('boom'))
      expect(JSON.parse(failed!)).to.include({ requestId: 'crash-1', route: '/crash', level: 50 })
      expect(app.lines.join('')).not.to.include('s3cret')
    })

    it('finds answers that are not as declared, when asked to', async () => {
      expect((await app.ask('GET', '/undeclared')).status).to.equal(500)
      const lenient = await smallApp({ checkAnswers: false })
      expect((await lenient.ask('GET', '/undeclared')).status).to.equal(200)
      await lenient.close()
    })

    it('gives a request its name back if that is sane, else one of its own', async () => {
      const idFor = async (id: string) => (await app.ask('GET', '/plain', { 'X-Request-ID': id })).header('x-request-id')
      for (const sane of ['abc-123', '0af7651916cd43dd8448eb211c80319c', 'a/b:c=d.e_f+g@h', 'x'.repeat(128)])
        expect(await idFor(sane)).to.equal(sane)
      for (const bad of ['', 'a b', 'x'.repeat(129), '<script>', 'é', 'a"b']) expect(await idFor(bad)).to.match(/^[0-9a-f-]{36}$/)
    })
  })

  describe('CORS', () => {
    const ASK = { Origin: 'https://app.example', 'Access-Control-Request-Method': 'PATCH' }
    const cors = (answer: { headers: Map<string, string[]> }) =>
      Object.fromEntries(
        [...answer.headers]
          .filter(([name]) => /^(access-control|vary)/.test(name))
          .map(([name, values]) => [name, values.join(', ')]),
      )

    it('lets a browser ask about any path, even an unknown one', async () => {
      for (const path of ['/things/1', '/nowhere', '/plain/', '//']) {
        const answer = await app.ask('OPTIONS', path, { ...ASK, 'Access-Control-Request-Headers': 'Authorization,x-Foo' })
        expect([answer.status, answer.body, answer.header('content-type')]).to.deep.equal([
          200,
          'OK',
          'text/plain; charset=utf-8',
        ])
        expect(cors(answer)).to.deep.equal({
          'access-control-allow-origin': 'https://app.example',
          'access-control-allow-credentials': 'true',
          'access-control-allow-methods': 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT',
          'access-control-max-age': '600',
          'access-control-allow-headers': 'Authorization,x-Foo',
          vary: 'Origin',
        })
        expect(answer.header('referrer-policy')).to.equal('strict-origin-when-cross-origin')
      }
    })

    it('names headers only to who asked for some, and takes "null" for an origin', async () => {
      const answer = await app.ask('OPTIONS', '/plain', { ...ASK, Origin: 'null' })
      expect(cors(answer))
        .to.include({ 'access-control-allow-origin': 'null' })
        .and.not.to.have.property('access-control-allow-headers')
    })

    it('refuses a method that it does not know', async () => {
      for (const method of ['TRACE', 'patch', 'FOO']) {
        const answer = await app.ask('OPTIONS', '/plain', { ...ASK, 'Access-Control-Request-Method': method })
        expect([answer.status, answer.body]).to.deep.equal([400, 'Disallowed CORS method'])
        expect(cors(answer)).to.include({ 'access-control-allow-origin': 'https://app.example' })
      }
    })

    it('takes OPTIONS without origin or method for an ordinary request', async () => {
      expect((await app.ask('OPTIONS', '/plain', { Origin: 'https://app.example' })).status).to.equal(405)
      expect((await app.ask('OPTIONS', '/plain', { 'Access-Control-Request-Method': 'GET' })).status).to.equal(405)
    })

    it('opens every answer to every origin, errors too', async () => {
      const open = {
        'access-control-allow-origin': '*',
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers': 'X-Request-ID, Retry-After, X-Own',
      }
      for (const path of ['/plain', '/nowhere', '/plain/', '/crash', '/things/1'])
        expect(cors(await app.ask('GET', path, { Origin: 'https://app.example' })), path).to.deep.equal(open)
      expect(cors(await app.ask('GET', '/plain', { Origin: 'https://app.example', Cookie: 'a=b' }))).to.deep.equal({
        ...open,
        'access-control-allow-origin': 'https://app.example',
        vary: 'Origin',
      })
      expect(cors(await app.ask('GET', '/plain', { Cookie: 'a=b' }))).to.deep.equal({})
    })
  })

  describe('the access log', () => {
    it('has a line for each request, without headers, query and body', async () => {
      await app.ask('PATCH', '/things/3?page=2&q=hidden1', { ...SESAME, 'X-Request-ID': 'logged-1' }, '{"text":"hidden2"}')
      const line = await lineOf(app, 'logged-1')
      expect(line).to.include({
        method: 'PATCH',
        path: '/things/3',
        route: '/things/:thing',
        status: 200,
        actor: 'user-7',
        msg: 'request',
      })
      expect(line.elapsedMs).to.be.a('number')
      for (const secret of ['hidden1', 'hidden2', 'sesame']) expect(app.lines.join('')).not.to.include(secret)
    })

    it('tells when a client went away before its answer', async () => {
      const connection = await open(app.port)
      connection.write('POST /echo HTTP/1.1\r\nHost: x\r\nX-Request-ID: gone-1\r\nContent-Length: 10\r\n\r\n{')
      connection.socket.destroy()
      expect(await lineOf(app, 'gone-1'))
        .to.include({ aborted: true, route: '/echo' })
        .and.not.to.have.property('status')
    })
  })
})

/** The access log's line for a request, as soon as it is there. */
async function lineOf(app: App, requestId: string) {
  for (;;) {
    const line = app.lines.map((text) => JSON.parse(text)).find((entry) => entry.requestId === requestId)
    if (line) return line
    await new Promise(setImmediate)
  }
}
