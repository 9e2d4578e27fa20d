import { expect } from 'chai'
import { admin, user, userOrLongTerm, viewer } from '#services/api/auth/guards.ts'
import { routes } from '#services/api/routes/index.ts'
import { ADMIN_TOKEN, type InProcess, startInProcess } from './in-process.ts'
import { type Asking, asking, noObject, plain, problems, refusal, seen, someone, wrong } from './kit.ts'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE']

/** What holds for each route, also for those to come: nobody has to think of testing it. */
describe('every route', () => {
  let api: InProcess
  let ask: ReturnType<typeof asking>
  /** By guard: what shows who asks, and what is said to who shows nothing. */
  let guards: Map<unknown, { shown: Asking; refused: string }>
  before(async function () {
    this.timeout(60_000)
    api = await startInProcess()
    ask = asking(api.url)
    const { token } = await someone(api.url)
    const noHeader = 'Missing or invalid Authorization header'
    guards = new Map<unknown, { shown: Asking; refused: string }>([
      [user, { shown: { token }, refused: noHeader }],
      [userOrLongTerm, { shown: { token }, refused: noHeader }],
      [admin, { shown: { token: ADMIN_TOKEN }, refused: noHeader }],
      [viewer, { shown: { headers: { 'X-Guest-Session-ID': 'a guest' } }, refused: 'Missing Auth or Guest ID' }],
    ])
  })
  after(() => api?.stop())

  /** The path of a route with the same in the place of each parameter. */
  const filled = (path: string, parameter = '7') => path.replace(/:\w+/g, parameter)
  const paths = Map.groupBy(routes, ({ path }) => path)
  const withBody = routes.filter(({ spec }) => spec.body)
  const guarded = routes.filter(({ spec }) => spec.auth)
  const badJson: Asking = { body: '{' }

  it('has a guard that these tests know', () => {
    for (const { method, path, spec } of guarded) expect(guards.has(spec.auth), `${method} ${path}`).to.equal(true)
  })

  it('is named to who uses another method of its path', async () => {
    const patterns = [...paths.keys()].map((path) => ({ path, pattern: new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`) }))
    for (const path of paths.keys()) {
      const target = filled(path)
      const matching = patterns.filter(({ pattern }) => pattern.test(target)).flatMap(({ path }) => paths.get(path)!)
      const allowed = [...new Set(matching.map(({ method }) => method))]
      for (const method of METHODS.filter((method) => !allowed.includes(method))) {
        const answer = await ask(method, target, badJson)
        expect(seen(answer), `${method} ${path}`).to.deep.equal(method === 'HEAD' ? [405, ''] : plain(405, 'Method Not Allowed'))
        expect(answer.header('allow')?.split(', '), path).to.have.members(allowed)
      }
    }
  })

  it('is where who added a slash is sent, with whatever method', async () => {
    for (const path of paths.keys())
      for (const method of ['GET', 'POST', 'PUT']) {
        const answer = await ask(method, `${filled(path)}/?a=b%20c&d`, badJson)
        expect([...seen(answer), answer.header('location')]).to.deep.equal([
          307,
          '',
          `http://vid.example${filled(path)}?a=b%20c&d`,
        ])
      }
  })

  it('says what is no JSON before it asks who sends it', async () => {
    for (const { method, path } of withBody) {
      const answer = await ask(method, filled(path), badJson)
      expect(problems(answer), `${method} ${path}`).to.deep.equal([['body.1', 'json_invalid', 'JSON decode error']])
      for (const body of [Buffer.from([0x7b, 0xff]), '['.repeat(5_000)])
        expect(seen(await ask(method, filled(path), { body }))).to.deep.equal(plain(400, 'There was an error parsing the body'))
    }
  })

  it('asks who is there before it looks at what is sent', async () => {
    for (const { method, path, spec } of guarded) {
      const { refused } = guards.get(spec.auth)!
      const answer = await ask(method, filled(path, 'x'), spec.body && { json: [] })
      if (spec.precheck) expect(answer.status, `${method} ${path}`).to.be.oneOf([400, 401])
      else expect(seen(answer), `${method} ${path}`).to.deep.equal(refusal(401, refused))
    }
  })

  it('finds all that is wrong with path and body at once', async () => {
    for (const { method, path, spec } of routes.filter(({ spec }) => spec.params || spec.body)) {
      const shown = guards.get(spec.auth)?.shown
      const answer = await ask(method, filled(path, 'x'), { ...shown, ...(spec.body && { json: [] }) })
      const [, parameter] = /:(\w+)/.exec(path) ?? []
      const inPath =
        parameter === undefined
          ? []
          : parameter === 'video_id'
            ? [wrong('path.video_id', 'video_id must be a valid YouTube video ID')]
            : [[`path.${parameter}`, 'int_parsing', 'Input should be a valid integer, unable to parse string as an integer']]
      expect(problems(answer), `${method} ${path}`).to.deep.equal([...inPath, ...(spec.body ? [noObject] : [])])
    }
  })

  it('takes its body from what is JSON or says nothing, and from nothing else', async () => {
    for (const { method, path, spec } of withBody) {
      const target = filled(path, path.includes(':video_id') ? 'dQw4w9WgXcQ' : '7')
      const send = (type: string | undefined, body: string) => {
        const { token, headers } = guards.get(spec.auth)?.shown ?? {}
        return ask(method, target, { token, body, headers: { ...headers, ...(type && { 'Content-Type': type }) } })
      }
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
        const answer = await send(type, '{"a":1}')
        // What is not there is said first, where a route says so.
        if (spec.exists) expect(answer.status).to.equal(404)
        else expect(problems(answer), `${method} ${path}`).to.deep.equal([noObject])
      }
      for (const type of [undefined, 'APPLICATION/JSON; charset=x', 'application/problem+json'])
        expect((await send(type, '[]')).body, `${method} ${path}`).to.equal((await send('application/json', '[]')).body)
    }
  })

  it('answers with the headers of every answer, and no more than it must', async () => {
    for (const { method, path, spec } of routes) {
      const strange = await ask(method, filled(path), { headers: { 'X-Request-ID': 'mine', Origin: 'null' } })
      const known = spec.auth ? await ask(method, filled(path, 'x'), guards.get(spec.auth)!.shown) : strange
      expect(strange.header('x-request-id')).to.equal('mine')
      expect(strange.header('access-control-allow-origin')).to.equal('*')
      for (const answer of [strange, known]) {
        expect(answer.header('referrer-policy'), path).to.equal('strict-origin-when-cross-origin')
        for (const name of ['www-authenticate', 'x-powered-by', 'server', 'content-encoding', 'set-cookie'])
          expect(answer.header(name), name).to.equal(undefined)
      }
    }
  })
})
