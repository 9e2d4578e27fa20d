import { availableParallelism } from 'node:os'
import { expect } from 'chai'
import { freshDatabase, type TestDatabase } from '#test/kit/postgres.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'
import type { RawAnswer } from '#test/platform/http/raw.ts'
import { asking, refusal, seen, someone } from './routes/kit.ts'

const REMOTE = (n: number) => ({ 'X-Forwarded-For': `203.0.113.${n}` })

describe('limits on how often clients ask', () => {
  let database: TestDatabase
  let stacks: Stack[]

  before(async function () {
    this.timeout(120_000)
    database = await freshDatabase()
    const env = {
      RATE_LIMIT_DISABLED: '',
      RATE_LIMIT_USER: '20/600',
      RATE_LIMIT_ADDRESS: '10/600',
      RATE_LIMIT_LOGIN: '15/600',
      RATE_LIMIT_REGISTER: '8/600',
      RATE_LIMIT_GOOGLE: '4/600',
      RATE_LIMIT_ACCOUNT: '3/600',
      TRUST_PROXY: 'loopback',
    }
    stacks = []
    for (let n = 0; n < 2; n++) stacks.push(await startStack(env, { database: { url: database.url, drop: async () => {} } }))
  })
  after(async () => {
    for (const stack of stacks) await stack.stop()
    await database.drop()
  })

  /** Somebody who asks now this process, now that. */
  const asker = (own: Parameters<typeof asking>[1]) => {
    const asks = stacks.map(({ url }) => asking(url, own))
    let n = 0
    return (...asked: Parameters<(typeof asks)[0]>) => asks[n++ % asks.length]!(...asked)
  }
  const statuses = (answers: RawAnswer[]) => {
    const counted: Record<number, number> = {}
    for (const { status } of answers) counted[status] = (counted[status] ?? 0) + 1
    return counted
  }
  const inTurn = async (times: number, ask: (n: number) => Promise<RawAnswer>) => {
    const answers: RawAnswer[] = []
    for (let n = 0; n < times; n++) answers.push(await ask(n))
    return answers
  }

  it('are told in the envelope, with when to come again, also to pages of other origins', async () => {
    const ask = asking(stacks[0]!.url, { headers: { ...REMOTE(1), Origin: 'https://a.example' } })
    const [answer] = (await inTurn(12, () => ask('GET', '/v2/users/me'))).slice(-1) as [RawAnswer]
    const seconds = Number(answer.header('retry-after'))
    expect(seconds).to.be.within(500, 600)
    const message = `Too many requests, please try again in ${seconds} seconds`
    const error = { code: 'RATE_LIMIT_EXCEEDED', message, details: { reset_in_seconds: seconds } }
    expect(seen(answer)).to.deep.equal([429, JSON.stringify({ error })])
    expect(answer.header('access-control-expose-headers')).to.include('Retry-After').and.include('X-Request-ID')
    expect(answer.header('content-type')).to.equal('application/json')
    expect(answer.header('referrer-policy')).to.equal('strict-origin-when-cross-origin')
  })

  it('are of an address for strangers, of the user for who is signed in', async () => {
    const bob = await someone(stacks[0]!.url)
    const own = { headers: REMOTE(2) }
    const ask = asking(stacks[0]!.url, own)
    expect(statuses(await inTurn(12, () => ask('GET', '/v2/videos')))).to.deep.equal({ 401: 10, 429: 2 })
    const forged = { token: `${bob.token}x` }
    expect((await ask('GET', '/v2/videos', forged)).status, 'a forged token is none').to.equal(429)
    const bobs = (n: number) => asking(stacks[0]!.url, { token: bob.token, headers: REMOTE(100 + n) })
    expect(statuses(await inTurn(22, (n) => bobs(n)('GET', '/v2/videos'))), 'wherever he is').to.deep.equal({ 200: 20, 429: 2 })
    const ann = await someone(stacks[1]!.url)
    expect((await ask('GET', '/v2/videos', { token: ann.token })).status, 'where strangers were too many').to.equal(200)
  })

  it('are of the network where addresses are cheap', async () => {
    const from = (host: string) =>
      asking(stacks[0]!.url, { headers: { 'X-Forwarded-For': `2001:db8:1:2:${host}::1` } })('GET', '/v2/videos')
    expect(statuses(await inTurn(12, (n) => from(n.toString(16))))).to.deep.equal({ 401: 10, 429: 2 })
  })

  it('do not hold up workers, nor who watches over us, nor questions of browsers', async () => {
    const ask = asking(stacks[0]!.url, { headers: REMOTE(3) })
    await inTurn(12, () => ask('GET', '/v2/videos'))
    for (const path of ['/health', '/v2/internal/videos/dQw4w9WgXcQ']) expect((await ask('GET', path)).status).not.to.equal(429)
    const preflight = { headers: { ...REMOTE(3), Origin: 'https://a.example', 'Access-Control-Request-Method': 'GET' } }
    expect((await ask('OPTIONS', '/v2/videos', preflight)).status).to.equal(200)
  })

  it('are exact for each way in, across processes and at once', async () => {
    for (const [path, most] of [
      ['/v2/auth/login', 15],
      ['/v2/auth/register', 8],
      ['/v2/auth/google', 4],
    ] as const) {
      const ask = asker({ headers: REMOTE(4) })
      const answers = await Promise.all(Array.from({ length: 40 }, () => ask('POST', path, { json: {} })))
      expect(statuses(answers), path).to.deep.equal({ 422: most, 429: 40 - most })
      expect((await asker({ headers: REMOTE(5) })('POST', path, { json: {} })).status, 'others').to.equal(422)
    }
  })

  it('make guessing slow for one account from wherever it comes, and cost nothing who knows the password', async () => {
    const { email, password } = await someone(stacks[0]!.url)
    const ask = asker({})
    const login = (guess: string, n: number) =>
      ask('POST', '/v2/auth/login', { json: { email, password: guess }, headers: REMOTE(10 + n) })
    expect(statuses(await inTurn(8, (n) => login(password, n))), 'right ones').to.deep.equal({ 200: 8 })
    const guesses = await Promise.all(Array.from({ length: 40 }, (_, n) => login(`guess ${n}`, 20 + n)))
    // Each process may look at as many at once as it has cores.
    expect(statuses(guesses)[401]).to.be.within(3, 3 + 2 * availableParallelism())
    expect(statuses(guesses)[429]).to.equal(40 - statuses(guesses)[401]!)
    expect(guesses.filter(({ status }) => status === 401).map(seen)[0]).to.deep.equal(refusal(401, 'Invalid email or password'))
    expect((await login(password, 90)).status, 'nor can it be told any more whether one is right').to.equal(429)
  })

  it('come before a body is read', async () => {
    const ask = asking(stacks[0]!.url, { headers: REMOTE(6) })
    await inTurn(8, () => ask('POST', '/v2/auth/register', { json: {} }))
    for (const body of ['{', '['.repeat(2000), Buffer.from([0xff])])
      expect((await ask('POST', '/v2/auth/register', { body })).status).to.equal(429)
  })
})

describe('limits where nothing is set', () => {
  let stack: Stack
  before(async () => {
    stack = await startStack({ RATE_LIMIT_DISABLED: '' })
  })
  after(() => stack.stop())

  it('let test suites and benchmarks on a machine of their own do as they please', async () => {
    const bob = await someone(stack.url)
    const bobs = async () => {
      for (let n = 0; n < 250; n++) {
        const answer = await fetch(`${stack.url}/v2/users/me`, { headers: { Authorization: `Bearer ${bob.token}` } })
        await answer.arrayBuffer()
        if (answer.status !== 200) throw new Error(`${answer.status}`)
      }
    }
    await Promise.all(Array.from({ length: 8 }, bobs))
    const post = async (path: string) => (await asking(stack.url)('POST', path, { json: {} })).status
    for (const path of ['/v2/auth/register', '/v2/auth/login'])
      for (let n = 0; n < 400; n++) expect(await post(path)).to.equal(422)
  })

  it('go by the other end of a connection, whatever a client says', async () => {
    const lying = (n: number) => asking(stack.url, { headers: REMOTE(n) })('POST', '/v2/auth/google', { json: {} })
    const answers = []
    for (let n = 0; n < 1300; n += 50)
      answers.push(...(await Promise.all(Array.from({ length: 50 }, (_, m) => lying((n + m) % 250)))))
    expect(answers.filter(({ status }) => status === 422)).to.have.length(1200)
  })
})
