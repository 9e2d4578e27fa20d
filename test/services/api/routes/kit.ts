import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { newUser } from '#test/kit/client.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'
import { open, type RawAnswer, written } from '#test/platform/http/raw.ts'

import { isDescribed } from './described.ts'

export type { RawAnswer }

export interface Asking {
  token?: string
  /** A body to be written as JSON. */
  json?: unknown
  /** A body to the letter. */
  body?: string | Uint8Array
  headers?: Record<string, string>
}

export type Ask = (method: string, target: string, asking?: Asking) => Promise<RawAnswer>

/** Asks on a connection of its own, with nothing added to or tidied up in what is sent. Every answer must be a described one. */
export function asking(url: string, own: Asking = {}): Ask {
  const { port } = new URL(url)
  return async (method, target, more = {}) => {
    const { token, json, body, headers } = { ...own, ...more }
    const connection = await open(Number(port))
    const all = {
      Connection: 'close',
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...(json !== undefined && { 'Content-Type': 'application/json' }),
      ...headers,
    }
    connection.write(written(method, target, all, json === undefined ? body : JSON.stringify(json)))
    const answer = await connection.answer(method)
    connection.socket.destroy()
    isDescribed(method, target, answer)
    return answer
  }
}

/** Somebody with an account, signed in. */
export interface Person {
  id: number
  email: string
  password: string
  token: string
  ask: Ask
}

export async function someone(url: string): Promise<Person> {
  const { email, password, token } = await newUser(url)
  const { user_id: id } = claimsOf(token)
  return { id, email, password, token, ask: asking(url, { token }) }
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into it
export const claimsOf = (token: string): any => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())

/** A token signed by hand, with just these claims. */
export function signed(claims: object, { secret, alg = 'HS256' }: { secret: string; alg?: string }): string {
  const text = [{ alg, typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const hash = alg === 'HS512' ? 'sha512' : 'sha256'
  return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`
}

/** The system as users run it, for all tests of the block that calls this. */
export interface System {
  stack: Stack
  db: Db
  /** Asks as a stranger. */
  ask: Ask
  /** Asks as a worker, with the admin token. */
  worker: Ask
  someone(): Promise<Person>
  /** The types of all events of a stream, in order. */
  eventsOf(stream: string): Promise<string[]>
}

/** @param env asked for when the system starts */
export function system(env: () => NodeJS.ProcessEnv | Promise<NodeJS.ProcessEnv> = () => ({})): System {
  const self = {} as System
  before(async function () {
    this.timeout(60_000)
    const stack = await startStack(await env())
    const db = openDb(stack.databaseUrl, { max: 2 })
    Object.assign(self, {
      stack,
      db,
      ask: asking(stack.url),
      worker: asking(stack.url, { token: stack.adminToken }),
      someone: () => someone(stack.url),
      eventsOf: async (stream: string) =>
        (
          await db.query<{ type: string }>('t.events', 'select type from log.events where stream = $1 order by version', [stream])
        ).map(({ type }) => type),
    })
  })
  after(async () => {
    await self.db?.close()
    await self.stack?.stop()
  })
  return self
}

let videos = 0
/** The id of a video that nobody has seen yet. */
export const newVideo = () => `vid_${String(++videos).padStart(7, '0')}`

export const A_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/

/** What a client sees of an answer, to the letter. */
export const seen = ({ status, body }: RawAnswer) => [status, body]

const CODES: Record<number, string> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
  412: 'PRECONDITION_FAILED',
  422: 'VALIDATION_ERROR',
}

/** A refusal as `seen`. */
export const refusal = (status: number, message: string) => [
  status,
  JSON.stringify({ error: { code: CODES[status], message, details: null } }),
]

/** An error of the HTTP layer itself as `seen`. */
export const plain = (status: number, detail: string) => [status, JSON.stringify({ detail })]

type Problem = [field: string, type: string, message: string]

/** What is wrong with a request, as its 422 says it, in order. */
export function problems(answer: RawAnswer): Problem[] {
  const { error, ...rest } = answer.json()
  expect([answer.status, rest, error?.code, error?.message], answer.body).to.deep.equal([
    422,
    {},
    'VALIDATION_ERROR',
    'Request validation failed',
  ])
  for (const problem of error.details) expect(Object.keys(problem)).to.deep.equal(['field', 'message', 'type'])
  return error.details.map(({ field, type, message }: Record<string, string>) => [field, type, message])
}

export const required = (field: string): Problem => [field, 'missing', 'Field required']
export const noString = (field: string): Problem => [field, 'string_type', 'Input should be a valid string']
export const noList = (field: string): Problem => [field, 'list_type', 'Input should be a valid list']
export const noDictionary = (field: string): Problem => [field, 'dict_type', 'Input should be a valid dictionary']
export const noObject: Problem = [
  'body',
  'model_attributes_type',
  'Input should be a valid dictionary or object to extract fields from',
]
export const wrong = (field: string, message: string): Problem => [field, 'value_error', `Value error, ${message}`]
export const extra = (field: string): Problem => [field, 'extra_forbidden', 'Extra inputs are not permitted']
