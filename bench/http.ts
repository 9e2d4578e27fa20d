import { hash, verify } from '@node-rs/argon2'
import type { Request } from 'autocannon'
import { openDb, type Queryable } from '../platform/pg/pool.ts'
import { notesOf } from '../projections/notes.ts'
import { videosOf } from '../projections/user-videos.ts'
import { userById } from '../projections/users.ts'
import { newUser } from '../test/kit/client.ts'
import { type Stack, startStack } from '../test/kit/stack.ts'
import type { Bare } from './kit/bare-process.ts'
import { heard, start } from './kit/child.ts'
import { atLeast, atMost, type Benchmark, type Figure } from './kit/figure.ts'
import { type LoadReport, load } from './kit/load.ts'
import { callers, inTurn, median } from './kit/measure.ts'

/** A kind of request, and the original's results by number of connections, up to 32; at 64 the original stops answering. */
interface Scenario {
  name: string
  requests: Request[]
  connections: number[]
  original: { perSecond: Record<number, number>; msP99?: Record<number, number> }
  /** Requests per second ÷ the original's. */
  target?: number
  /** Upper bound: requests per second of the same work without VidWiz. */
  ceiling: { what: string; perSecond(seconds: number, connections: number): Promise<number>; stop(): void }
}

/** Requests per second and p99 of the whole system in separate processes, with the load generator on the same machine. */
export const http: Benchmark = {
  name: 'http',
  async run({ quick }) {
    const [rounds, seconds] = quick ? [1, 1] : [3, 4]
    // The log level that users have: every request writes a line to the access log.
    const stack = await startStack({ LOG_LEVEL: 'info' })
    const forgetting = setInterval(() => stack.output.splice(0), 250)
    try {
      const figures: Figure[] = []
      for (const scenario of await scenarios(stack)) figures.push(...(await play(scenario, stack.url, rounds, seconds)))
      return figures
    } finally {
      clearInterval(forgetting)
      await stack.stop()
    }
  },
}

async function play(scenario: Scenario, url: string, rounds: number, seconds: number): Promise<Figure[]> {
  const { name, requests, connections, original, ceiling, target } = scenario
  const at = (count: number) => () => load({ url, connections: count, duration: seconds, requests })
  const contestants = Object.fromEntries(connections.map((count) => [count, at(count)]))
  const runs = await inTurn<Record<string, LoadReport | number>>(rounds, {
    ...contestants,
    ...Object.fromEntries(CEILINGS.map((count) => [`ceiling at ${count}`, () => ceiling.perSecond(seconds, count)])),
  })
  ceiling.stop()

  const middle = (count: number, pick: (report: LoadReport) => number) => median((runs[count] as LoadReport[]).map(pick))
  const rates = connections.map((count) => middle(count, (report) => report.perSecond))
  const nearest = (count: number) =>
    Math.max(
      ...Object.keys(original.perSecond)
        .map(Number)
        .filter((known) => known <= count),
    )
  const titleAt = (count: number) => `${name}, ${count} ${count === 1 ? 'connection' : 'connections'}`
  const figures = connections.flatMap((count, i): Figure[] => {
    const known = nearest(count)
    const here = titleAt(count)
    const was = original.msP99?.[known]
    const msP99 = middle(count, (report) => report.msP99)
    return [
      {
        name: here,
        value: rates[i]!,
        unit: 'requests/s',
        beside: { what: `the original at ${known}`, value: original.perSecond[known]! },
        target: target === undefined ? undefined : atLeast(target),
      },
      was === undefined
        ? { name: `${here}, p99`, value: msP99, unit: 'ms' }
        : {
            name: `${here}, p99`,
            value: msP99,
            unit: 'ms',
            beside: { what: `the original at ${known}`, value: was },
            target: atMost(0.2),
          },
    ]
  })
  const steps = rates.slice(1).map((rate, i) => rate / rates[i]!)
  return [
    ...figures,
    { name: `${name}, least step upwards`, value: Math.min(...steps), unit: '×', target: atLeast(0.9) },
    ...CEILINGS.flatMap((count): Figure[] => {
      const most = median(runs[`ceiling at ${count}`] as number[])
      const here = titleAt(count)
      const was = { what: `the original at ${nearest(count)}`, value: original.perSecond[nearest(count)]! }
      return [
        {
          name: `${here}, ceiling`,
          value: rates[connections.indexOf(count)]!,
          unit: 'requests/s',
          beside: { what: ceiling.what, value: most },
        },
        // Where the ceiling itself is below the target, no implementation can reach the target.
        { name: `${here}, the ceiling itself`, value: most, unit: 'requests/s', beside: was },
      ]
    }),
  ]
}

/** Numbers of connections for measuring the ceiling: a single client, and many. */
const CEILINGS = [1, 64]

const ALL = [1, 16, 64, 256]
const videoId = (n: number) => `video${String(n).padStart(6, '0')}`

async function scenarios(stack: Stack): Promise<Scenario[]> {
  const { url, databaseUrl } = stack
  const [reader, collector, writer] = [await newUser(url), await newUser(url), await newUser(url)]
  const note = (n: number) => ({
    timestamp: '12:34',
    text: `Note ${n}: what was said here is worth remembering.`,
    video_title: `Video ${n}`,
  })
  for (let n = 0; n < 20; n++) await reader.call('POST', `/v2/videos/${videoId(0)}/notes`, note(n))
  for (let n = 0; n < 200; n++) await collector.call('POST', `/v2/videos/${videoId(n)}/notes`, note(n))
  for (let n = 0; n < 500; n++) await writer.call('POST', `/v2/videos/${videoId(n)}/notes`, note(n))
  const idOf = async (person: typeof reader) => (await person.call('GET', '/v2/users/me')).body.id as number

  const get = (person: typeof reader, path: string): Request => ({
    method: 'GET',
    path,
    headers: { authorization: `Bearer ${person.token}` },
  })
  const post = (path: string, body: unknown, token?: string): Request => ({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  })
  const create = (n: number) => post(`/v2/videos/${videoId(n)}/notes`, note(n), writer.token)

  /** Executes only the route's SQL statement, and answers with the route's bytes. */
  const bare = async (request: Request, status: number, statement: { text: string; values: unknown[] }) => {
    const answer = await fetch(url + request.path, request)
    if (answer.status !== status) throw new Error(`${request.method} ${request.path} answered ${answer.status}`)
    return bareServer({ databaseUrl, ...statement, status, answer: await answer.text() }, request)
  }
  const insert = await bareInsert(databaseUrl)
  const [readerId, collectorId] = [await idOf(reader), await idOf(collector)]
  const page = { userId: collectorId, q: '', sort: 'created_at_desc', limit: 10, offset: 0 } as const

  const notes = get(reader, `/v2/videos/${videoId(0)}/notes`)
  const videos = get(collector, '/v2/videos')
  const me = get(reader, '/v2/users/me')
  return [
    {
      name: 'GET users/me',
      requests: [me],
      connections: ALL,
      original: { perSecond: { 1: 621, 16: 549, 32: 600 } },
      target: 8,
      ceiling: await bare(me, 200, await statementOf((db) => userById(db, readerId))),
    },
    {
      name: 'GET notes',
      requests: [notes],
      connections: ALL,
      original: { perSecond: { 1: 529, 16: 457, 32: 485 } },
      target: 8,
      ceiling: await bare(notes, 200, await statementOf((db) => notesOf(db, readerId, videoId(0)))),
    },
    {
      name: 'GET videos',
      requests: [videos],
      connections: ALL,
      original: { perSecond: { 1: 404, 16: 436, 32: 413 } },
      target: 8,
      ceiling: await bare(videos, 200, await statementOf((db) => videosOf(db, page))),
    },
    {
      name: 'POST note, one video',
      requests: [create(0)],
      connections: ALL,
      original: { perSecond: { 1: 151, 16: 126, 32: 125 }, msP99: { 1: 67, 16: 226, 32: 496 } },
      target: 20,
      ceiling: await bare(create(0), 201, insert),
    },
    {
      name: 'POST note, 500 videos',
      requests: Array.from({ length: 500 }, (_, n) => create(n)),
      connections: ALL,
      original: { perSecond: { 1: 67, 16: 19, 32: 12 }, msP99: { 1: 100, 16: 1_400, 32: 4_700 } },
      target: 20,
      ceiling: await bare(create(1), 201, insert),
    },
    {
      name: 'login',
      requests: [post('/v2/auth/login', { email: reader.email, password: reader.password })],
      // A login uses a core for a while: more connections only wait longer.
      connections: [1, 16, 64],
      original: { perSecond: { 1: 14, 16: 27 } },
      ceiling: await bareHash(),
    },
  ]
}

async function bareServer(spec: Bare, request: Request): Promise<Scenario['ceiling']> {
  const child = start('bare-process.ts')
  child.send(spec)
  const port = await heard<number>(child)
  return {
    what: 'bare node:http and one statement',
    perSecond: async (duration, connections) =>
      (await load({ url: `http://127.0.0.1:${port}`, connections, duration, requests: [request] })).perSecond,
    stop: () => child.kill(),
  }
}

async function bareHash(): Promise<Scenario['ceiling']> {
  const hashed = await hash('correct horse', { memoryCost: 19_456, timeCost: 2, parallelism: 1 })
  return {
    what: 'argon2 alone',
    perSecond: async (seconds, connections) =>
      (await callers(Math.min(connections, 4), seconds * 1000, () => verify(hashed, 'correct horse'))).perSecond,
    stop: () => {},
  }
}

/** The SQL that a query function sends. */
async function statementOf(query: (db: Queryable) => Promise<unknown>): Promise<{ text: string; values: unknown[] }> {
  let sent: { text: string; values: unknown[] } | undefined
  const spy: Queryable = {
    query: async (_, text, values = []) => {
      sent = { text, values }
      return [{}] as never
    },
  }
  await query(spy)
  return sent!
}

/** The smallest possible durable write: one row with the log's columns and indexes. */
async function bareInsert(databaseUrl: string) {
  const db = openDb(databaseUrl, { name: 'bench bare' })
  await db.connection((client) =>
    client.query('create schema bare; create table bare.events (like log.events including all); create sequence bare.pos'),
  )
  await db.close()
  const text = `
    insert into bare.events (pos, topic, partition, key, stream, version, id, type, schema, time, data)
    select n, 'vidwiz.notes', 0, 'video000000', 'note-' || n, 1, gen_random_uuid(), 'NoteCreated', 1, 1767225600000, $1 from nextval('bare.pos') n`
  return {
    text,
    values: [
      JSON.stringify({
        noteId: 1,
        videoId: videoId(0),
        userId: 1,
        timestamp: '12:34',
        text: 'Note 1: what was said here is worth remembering.',
      }),
    ],
  }
}
