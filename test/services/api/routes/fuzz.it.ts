import { expect } from 'chai'
import fc from 'fast-check'
import { routes } from '#services/api/routes/index.ts'
import { everyViewEqualsItsReplay } from '#test/kit/replay.ts'
import { open, type RawAnswer } from '#test/platform/http/raw.ts'
import { newVideo, signed, system } from './kit.ts'

const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 1500)
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
const AT_ONCE = 8

/** Tokens and ids that get a request past the first checks. */
interface Keys {
  secret: string
  userId: number
  user: string
  longTerm: string
  note: number
  video: string
}

interface Attack {
  bytes: Buffer
  method: string
  /** The request ends before it is complete, or is no request: to hang up is an answer. */
  isBroken: boolean
}

const { constantFrom, constant, oneof, integer, array, record, tuple, option, string } = fc
/** Undefined once in `freq` times. */
const sometimes = <T>(arbitrary: fc.Arbitrary<T>, freq = 4) => option(arbitrary, { nil: undefined, freq })

const anyText = oneof(
  string(),
  string({ unit: 'binary' }),
  // No database keeps these.
  { weight: 3, arbitrary: constantFrom('1:23\0', '1:23\ud800', 'a\udc00b') },
  constantFrom('', ' ', '😀', '%', '\\', "'", '"', '\u2028', '1:23', 'true', '__proto__', 'constructor'),
  constantFrom(
    'a@b.co',
    'A@b',
    '<a@b.co>',
    '<<<<@>>>>',
    `${'a'.repeat(5000)}@b.co`,
    '"'.repeat(2000),
    `${'('.repeat(1000)}@b.co`,
  ),
  constantFrom('x'.repeat(100_000), ':'.repeat(50_000), '1'.repeat(100_000), 'é'.repeat(101), '\u0300'.repeat(1000)),
)
const anyNumber = constantFrom(
  '0',
  '-0',
  '-1',
  '1.5',
  '1e400',
  '-1e-400',
  '9007199254740993',
  '1'.repeat(400),
  'NaN',
  '-Infinity',
  '01',
  '+1',
)
const nested = tuple(constantFrom('[', '{"a":'), constantFrom(10, 900, 1001, 50_000)).map(
  ([opening, depth]) => opening.repeat(depth) + (opening === '[' ? ']' : '0}').repeat(depth),
)
/** JSON text, or what looks like it. */
const anyJson: fc.Arbitrary<string> = oneof(
  { weight: 3, arbitrary: anyText.map((text) => JSON.stringify(text)) },
  anyNumber,
  constantFrom(
    'null',
    'true',
    'false',
    '[]',
    '{}',
    '""',
    '{"toString":1}',
    '[[]]',
    '"\\u0000"',
    '"\\ud800"',
    "'x'",
    'nul',
    '"',
    '{',
    '[1,',
  ),
  nested,
  fc.json(),
)

/** Fields that some route reads; whoever reads another ignores or refuses them. */
const FIELDS = [
  'email',
  'password',
  'name',
  'timestamp',
  'text',
  'video_title',
  'generated_by_ai',
  'ai_notes_enabled',
  '__proto__',
  'x',
]
/** What is right for some route, and so nearly right for others. */
const GOOD: Record<string, Record<string, string>> = {
  'POST /v2/videos/:video_id/notes': { timestamp: '"1:23"', text: '"t"', video_title: '"T"' },
  'PATCH /v2/notes/:note_id': { text: '"t"', generated_by_ai: '"no"' },
  'PATCH /v2/users/me': { name: '"Other"', ai_notes_enabled: '1' },
  'POST /v2/auth/register': { email: '"fuzz@example.com"', password: '"long enough"', name: '"Fuzz"' },
  'POST /v2/auth/login': { email: '"fuzz@example.com"', password: '"long enough"' },
}
const objectOf = (fields: [string, string][]) => `{${fields.map(([key, value]) => `"${key}":${value}`)}}`
const field = constantFrom(...FIELDS)
const anyObject = tuple(constantFrom(...Object.values(GOOD), {}), array(tuple(field, anyJson), { maxLength: 5 })).map(
  ([good, others]) => objectOf([...Object.entries(good), ...others]),
)
const anyBody: fc.Arbitrary<Buffer> = oneof(
  { weight: 6, arbitrary: anyObject.map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: anyJson.map((text) => Buffer.from(text)) },
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  tuple(anyObject, fc.nat(), integer({ min: 0x80, max: 0xff })).map(([text, at, byte]) => {
    const bytes = Buffer.from(text)
    bytes[at % bytes.length] = byte
    return bytes
  }),
  constantFrom(
    Buffer.alloc(0),
    Buffer.from('\ufeff{}'),
    Buffer.from('a=1&b=2'),
    Buffer.from(`{"text":"${'x'.repeat(1_000_000)}"}`),
  ),
  constant(Buffer.from(`{${Array.from({ length: 20_000 }, (_, n) => `"k${n}":0`)}}`)),
)

const piece = oneof(
  constantFrom(
    '%',
    '%%',
    '%zz',
    '%00',
    '%0A',
    '%ff',
    '%C3%28',
    '%2e%2e',
    '%2F',
    '..',
    '//',
    '\\',
    ';',
    '*',
    ':',
    '@',
    '[',
    '|',
    '^',
    '"',
  ),
  constantFrom(
    '%F0%9F%98%80',
    '%ED%A0%80',
    '\xe9',
    '\x7f',
    '\t',
    '#',
    '?',
    '&',
    '=',
    '+',
    '9'.repeat(400),
    '-1',
    '1e9',
    '%20',
    'x'.repeat(3000),
  ),
  string({ maxLength: 5 }).map(encodeURIComponent),
)
const anyQuery = array(
  tuple(
    constantFrom('q', 'page', 'per_page', 'sort', '__proto__', 'constructor', 'x', ''),
    oneof(piece, constantFrom('1', '0', '51', 'title_asc', 'TITLE', '100%25', '%25%25', "'", '1_0', '1.0', ' 1')),
  ),
  { maxLength: 4 },
).map((pairs) => pairs.map(([key, value]) => `${key}=${value}`).join('&'))

const targets = ({ note, video }: Keys) => {
  const known = constantFrom(
    ...['/health', '/v2/auth/register', '/v2/auth/login', '/v2/auth/tokens', '/v2/users/me', '/v2/videos'],
    ...[
      `/v2/videos/${video}`,
      `/v2/videos/${video}/notes`,
      `/v2/notes/${note}`,
      '/v2/notes/999999',
      '/v2/notes/x',
      '/v2/videos/x/notes',
    ],
  )
  const mutated = tuple(known, fc.nat(), piece).map(([path, at, text]) => {
    const place = at % (path.length + 1)
    return path.slice(0, place) + text + path.slice(place)
  })
  const odd = constantFrom(
    '/',
    '*',
    '',
    '?',
    '//',
    'http://evil.example/v2/videos',
    '/v2/../v2/videos',
    `/${'a/'.repeat(4000)}`,
    `/${'x'.repeat(20_000)}`,
  )
  const path = oneof({ weight: 8, arbitrary: known }, { weight: 3, arbitrary: mutated }, { weight: 1, arbitrary: odd })
  return tuple(path, sometimes(anyQuery, 2)).map(([path, query]) => (query === undefined ? path : `${path}?${query}`))
}

const authorizations = ({ secret, user, userId, longTerm }: Keys) => {
  const anyClaim = oneof(fc.jsonValue({ maxDepth: 2 }), constantFrom(userId, String(userId), 1e300, -1, 2 ** 53, 'x', null))
  const claims = record(
    {
      user_id: anyClaim,
      email: anyClaim,
      type: constantFrom('long_term', 'user', 1),
      exp: anyClaim,
      iat: anyClaim,
      nbf: anyClaim,
      sub: anyClaim,
    },
    { requiredKeys: [] },
  )
  return oneof(
    { weight: 12, arbitrary: constant(`Bearer ${user}`) },
    { weight: 2, arbitrary: constant(`Bearer ${longTerm}`) },
    { weight: 2, arbitrary: claims.map((all) => `Bearer ${signed(all, { secret })}`) },
    claims.map((all) => `Bearer ${signed(all, { secret, alg: 'none' })}`),
    fc.base64String().map((text) => `Bearer ${text}.${text}.${text}`),
    constantFrom(
      '',
      'Bearer',
      'Bearer ',
      'bearer x',
      'Basic YTpi',
      'Bearer \xff',
      `Bearer ${user}\t`,
      `Bearer ${'x'.repeat(9000)}`,
      `Bearer ${user}.x`,
    ),
  )
}

const anyHeader: fc.Arbitrary<[string, string]> = oneof(
  tuple(
    constant('Content-Type'),
    constantFrom('application/json', 'text/plain', '', ';', 'application/x+json', 'a'.repeat(5000), 'multipart/form-data'),
  ),
  tuple(constant('X-Request-ID'), constantFrom('abc', 'a b', '\xe9', 'x'.repeat(200), '{}', '')),
  tuple(constant('Idempotency-Key'), constantFrom('k1', 'k2', '', '\xff', 'x'.repeat(300))),
  tuple(constant('Origin'), constantFrom('null', 'https://a.example', '\xe9\t', '*', '')),
  tuple(constant('Cookie'), constantFrom('a=b', '')),
  tuple(constant('Access-Control-Request-Method'), constantFrom('GET', 'FOO', '')),
  tuple(constant('Access-Control-Request-Headers'), constantFrom('a, b', '\xe9', 'x'.repeat(3000))),
  tuple(constant('traceparent'), constantFrom('00-x', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)),
  tuple(constant('Expect'), constantFrom('100-continue', 'x')),
  tuple(constant('X-Forwarded-Proto'), constantFrom('https', 'javascript')),
  tuple(constant('Content-Encoding'), constantFrom('gzip', 'br')),
  tuple(
    constantFrom('Upgrade', 'Connection', 'Transfer-Encoding', 'Host', 'Content-Length', 'Authorization'),
    constantFrom('websocket', 'x', '', '-1'),
  ),
  tuple(constantFrom('X', '__proto__', 'constructor'), constantFrom('x', '\x01', 'y'.repeat(17_000))),
)

const framings = ['chunked', 'ragged', 'truncated', 'short', 'none'] as const
type Framing = (typeof framings)[number] | 'length'

/** All that a request is made of. */
interface Parts {
  method: string
  target: string
  authorization: string | undefined
  headers: [string, string][]
  body: Buffer
  framing: Framing
}

const takingBodies = routes.filter(({ spec }) => spec.body)

/** Requests that a route would grant; in every other one a value is something else. */
const rightParts = (keys: Keys): fc.Arbitrary<Parts> =>
  tuple(
    constantFrom(...routes, ...takingBodies, ...takingBodies),
    integer({ min: 0, max: 20 }),
    sometimes(tuple(fc.nat(), anyJson), 2),
  ).map(([{ method, path }, n, odd]) => {
    const fields = Object.entries(GOOD[`${method} ${path}`] ?? {})
    if (odd && fields.length > 0) fields[odd[0] % fields.length]![1] = odd[1]
    return {
      method,
      target: path.replace(':video_id', keys.video).replace(':note_id', String(keys.note + n)),
      authorization: `Bearer ${keys.user}`,
      headers: [],
      body: Buffer.from(objectOf(fields)),
      framing: 'length',
    }
  })

const wrongParts = (keys: Keys): fc.Arbitrary<Parts> =>
  record({
    method: oneof(
      constantFrom('GET', 'POST', 'PATCH', 'DELETE'),
      constantFrom('PUT', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'get', 'FOO', 'CONNECT', 'G\xe9T', ''),
    ),
    target: targets(keys),
    authorization: sometimes(authorizations(keys)),
    headers: array(anyHeader, { minLength: 1, maxLength: 4 }),
    body: anyBody,
    framing: constantFrom(...framings),
  })

/** Right requests of which some parts are wrong: one alone gets further than many. */
const attacks = (keys: Keys): fc.Arbitrary<Attack> =>
  tuple(
    rightParts(keys),
    wrongParts(keys),
    oneof(
      constant([]),
      fc.subarray(['method', 'target', 'authorization', 'headers', 'body', 'framing'] as (keyof Parts)[], { maxLength: 3 }),
    ),
  ).map(([right, wrong, spoiled]) => attackWith({ ...right, ...Object.fromEntries(spoiled.map((part) => [part, wrong[part]])) }))

function attackWith({ method, target, authorization, headers, body, framing }: Parts): Attack {
  const lines = [
    `${method} ${target} HTTP/1.1`,
    'Host: vid.example',
    'Connection: close',
    ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
    ...(framing === 'none' ? [] : [framed(framing, body.length)]),
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ]
  const isOdd = headers.some(([name]) =>
    ['Upgrade', 'Connection', 'Transfer-Encoding', 'Content-Length', 'Expect'].includes(name),
  )
  return {
    method,
    bytes: Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), sent(framing, body)]),
    isBroken: isOdd || method === 'CONNECT' || framing === 'truncated' || framing === 'short' || framing === 'none',
  }
}

const framed = (framing: Framing, length: number) =>
  framing === 'chunked' || framing === 'ragged'
    ? 'Transfer-Encoding: chunked'
    : `Content-Length: ${framing === 'truncated' ? length + 10 : framing === 'short' ? Math.floor(length / 2) : length}`

function sent(framing: Framing, body: Buffer): Buffer {
  const chunk = (bytes: Buffer, extension = '') =>
    Buffer.concat([Buffer.from(`${bytes.length.toString(16)}${extension}\r\n`), bytes, Buffer.from('\r\n')])
  const end = Buffer.from('0\r\n\r\n')
  if (framing === 'chunked') return Buffer.concat(body.length === 0 ? [end] : [chunk(body), end])
  if (framing !== 'ragged') return body
  const pieces = Array.from({ length: Math.min(body.length, 50) }, (_, n) => chunk(body.subarray(n, n + 1), ';a=b'))
  return Buffer.concat([...pieces, ...(body.length > 50 ? [chunk(body.subarray(50))] : []), end])
}

describe(`the API under ${REQUESTS} requests that nobody should send (FUZZ_SEED=${SEED})`, function () {
  this.timeout(120_000)
  const api = system()

  it('answers each with less than 500 and an error of one of two shapes, lives on, and its views can be replayed', async () => {
    const bob = await api.someone()
    const video = newVideo()
    const note = await bob.ask('POST', `/v2/videos/${video}/notes`, { json: { timestamp: '0:01' } })
    const longTerm = (await bob.ask('POST', '/v2/auth/tokens')).json().token
    const keys: Keys = { secret: api.stack.secretKey, userId: bob.id, user: bob.token, longTerm, note: note.json().id, video }
    const pids = api.stack.parts.pids()
    const statuses = new Map<number | undefined, number>()
    const wrong: string[] = []

    const queue = fc.sample(attacks(keys), { seed: SEED, numRuns: REQUESTS })
    const attacker = async () => {
      for (let attack = queue.pop(); attack; attack = queue.pop()) {
        const answer = await fired(Number(new URL(api.stack.url).port), attack)
        statuses.set(answer?.status, (statuses.get(answer?.status) ?? 0) + 1)
        const why = answer ? whatIsWrong(answer, attack.method) : attack.isBroken ? undefined : 'no answer'
        if (why)
          wrong.push(`${why}: ${answer?.status} ${answer?.body.slice(0, 300)} to ${attack.bytes.toString('latin1', 0, 1000)}`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, attacker))

    expect(wrong.slice(0, 5), `${wrong.length} of ${REQUESTS}`).to.deep.equal([])
    expect((await api.ask('GET', '/health')).status).to.equal(200)
    expect(api.stack.parts.pids(), 'nobody died').to.deep.equal(pids)
    expect(api.stack.output, 'nobody complained').to.deep.equal([])
    expect(await api.db.query('t.letters', 'select * from log.dead_letters'), 'no event is poison').to.deep.equal([])
    await everyViewEqualsItsReplay(api.stack.databaseUrl)
    // All that for nothing if nothing got through.
    for (const status of [200, 201, 400, 401, 404, 405, 422]) expect(statuses.get(status) ?? 0, `${status}`).to.be.greaterThan(0)
  })
})

/** Sends what is to be sent, and hangs up on what would wait for more; undefined when there was no answer. */
async function fired(port: number, { bytes, method, isBroken }: Attack): Promise<RawAnswer | undefined> {
  const connection = await open(port)
  connection.write(bytes)
  if (isBroken) connection.socket.end()
  try {
    const answer = await connection.answer(method)
    // "Go on", it was told: the answer comes after that.
    return answer.status === 100 ? await connection.answer(method) : answer
  } catch {
    return undefined
  } finally {
    connection.socket.destroy()
  }
}

const PROBLEM = ['field', 'message', 'type']

/** What an answer must not be, in words. */
function whatIsWrong(answer: RawAnswer, method: string): string | undefined {
  const { status, body } = answer
  if (status >= 500) return 'a failure'
  // What is no HTTP never reaches the application.
  if (!answer.headers.has('x-request-id')) return [400, 417, 431].includes(status) && body === '' ? undefined : 'not from us'
  if (method === 'HEAD' || status === 307) return body === '' ? undefined : 'a body'
  if (method === 'OPTIONS' && answer.header('content-type')?.startsWith('text/plain')) return undefined
  const json = answer.json()
  if (status < 300) return undefined
  if ([400, 404, 405].includes(status) && Object.keys(json).join() === 'detail' && typeof json.detail === 'string')
    return undefined
  const { error } = json
  if (Object.keys(json).join() !== 'error' || Object.keys(error).join() !== 'code,message,details') return 'an unknown shape'
  if (typeof error.code !== 'string' || typeof error.message !== 'string') return 'an unknown shape'
  if (error.details === null) return undefined
  const isList = Array.isArray(error.details) && error.details.length > 0 && status === 422
  return isList && error.details.every((problem: object) => Object.keys(problem).join() === PROBLEM.join())
    ? undefined
    : 'an unknown shape'
}
