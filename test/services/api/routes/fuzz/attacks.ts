import fc from 'fast-check'
import { type Framing, framed, framingHeaders, isBroken, wrongFramings } from './framing.ts'
import { anyHeader, authorizations } from './headers.ts'
import type { Keys } from './keys.ts'
import { anyBody, anyJson, anyQuery, piece, sometimes } from './values.ts'
import { rightValue, type Schema, type Wish, wishes } from './wishes.ts'

/** A request that nobody should send, or nearly one that somebody should. */
export interface Attack {
  bytes: Buffer
  method: string
  /** The request ends before it is complete, or is no request: to hang up is an answer. */
  isBroken: boolean
  /** It may be let wait for long. */
  waits: boolean
  /** The route that it is for, unless method or target were spoiled. */
  route: string | undefined
}

/** All that a request is made of. */
interface Parts {
  method: string
  target: string
  authorization: string | undefined
  headers: [string, string][]
  body: Buffer
  framing: Framing
}

const { constantFrom, constant, oneof, integer, array, record, tuple, subarray, nat } = fc

const objectOf = (fields: [string, string][]) => `{${fields.map(([key, value]) => `"${key}":${value}`)}}`

/**
 * Right values of all fields, each as JSON text.
 * @param n numbers addresses: one is registered once only, perhaps by a request that is not counted for that route
 */
const rightFields = (fields: Record<string, Schema>, keys: Keys, n: number) =>
  Object.entries(fields).map(([name, schema]): [string, string] => {
    const value = rightValue(name, schema, keys)
    return [name, JSON.stringify(name === 'email' ? `${n}.${value}` : value)]
  })

const namesIn = (part: 'fields' | 'query') => [...new Set(wishes.flatMap((wish) => Object.keys(wish[part])))]

/** @param n numbers other things of the same kind */
function pathOf({ path, params }: Wish, keys: Keys, n: number): string {
  return path.replace(/:(\w+)/g, (_, name: string) => {
    const value = rightValue(name, params[name] ?? {}, keys)
    return encodeURIComponent(typeof value === 'number' ? value + n : (value as string))
  })
}

const queryOf = ({ query }: Wish, keys: Keys) =>
  new URLSearchParams(
    Object.entries(query).map(([name, schema]): [string, string] => [name, String(rightValue(name, schema, keys))]),
  ).toString()

const takingBodies = wishes.filter(({ fields }) => Object.keys(fields).length > 0)

/** Requests that a route would grant; in every other one a value is something else. */
const rightParts = (keys: Keys): fc.Arbitrary<{ wish: Wish; parts: Parts }> =>
  tuple(
    constantFrom(...wishes, ...takingBodies),
    integer({ min: 0, max: 20 }),
    sometimes(tuple(nat(), anyJson), 2),
    fc.boolean(),
  ).map(([wish, n, odd, isGuest]) => {
    const { method, auth } = wish
    const fields = rightFields(wish.fields, keys, n)
    if (odd && fields.length > 0) fields[odd[0] % fields.length]![1] = odd[1]
    const query = queryOf(wish, keys)
    const asGuest = auth === 'viewer' && isGuest
    const token = auth === 'admin' ? keys.admin : keys.user
    return {
      wish,
      parts: {
        method,
        target: pathOf(wish, keys, n) + (query && `?${query}`),
        authorization: auth === 'nobody' || asGuest ? undefined : `Bearer ${token}`,
        headers: asGuest ? [['X-Guest-Session-ID', 'a guest']] : [],
        body: Buffer.from(objectOf(fields)),
        framing: 'length',
      },
    }
  })

const ODD_TARGETS = [
  ...['/', '*', '', '?', '//', 'http://evil.example/v2/videos', '/v2/../v2/videos'],
  ...[`/${'a/'.repeat(4000)}`, `/${'x'.repeat(20_000)}`],
]

function wrongTargets(keys: Keys): fc.Arbitrary<string> {
  const paths = wishes.flatMap((wish) => [pathOf(wish, keys, 0), pathOf(wish, keys, 999_999), wish.path.replace(/:\w+/g, 'x')])
  const known = constantFrom(...paths)
  const mutated = tuple(known, nat(), piece).map(([path, at, text]) => {
    const place = at % (path.length + 1)
    return path.slice(0, place) + text + path.slice(place)
  })
  const path = oneof(
    { weight: 8, arbitrary: known },
    { weight: 3, arbitrary: mutated },
    { weight: 1, arbitrary: constantFrom(...ODD_TARGETS) },
  )
  const query = sometimes(anyQuery(namesIn('query')), 2)
  return tuple(path, query).map(([path, query]) => (query === undefined ? path : `${path}?${query}`))
}

function wrongParts(keys: Keys): fc.Arbitrary<Parts> {
  const field = constantFrom(...namesIn('fields'), '__proto__', 'x')
  const anyObject = tuple(constantFrom(...wishes), array(tuple(field, anyJson), { maxLength: 5 })).map(([wish, others]) =>
    objectOf([...rightFields(wish.fields, keys, 0), ...others]),
  )
  return record({
    method: oneof(
      constantFrom('GET', 'POST', 'PATCH', 'DELETE'),
      constantFrom('PUT', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'get', 'FOO', 'CONNECT', 'G\xe9T', ''),
    ),
    target: wrongTargets(keys),
    authorization: sometimes(authorizations(keys)),
    headers: array(anyHeader, { minLength: 1, maxLength: 4 }),
    body: anyBody(anyObject),
    framing: constantFrom(...wrongFramings),
  })
}

const PARTS: (keyof Parts)[] = ['method', 'target', 'authorization', 'headers', 'body', 'framing']

/** Right requests of which some parts are wrong: one alone gets further than many. */
export const attacks = (keys: Keys): fc.Arbitrary<Attack> =>
  tuple(rightParts(keys), wrongParts(keys), oneof(constant<(keyof Parts)[]>([]), subarray(PARTS, { maxLength: 3 }))).map(
    ([{ wish, parts }, wrong, spoiled]) => {
      const isElsewhere = spoiled.includes('method') || spoiled.includes('target')
      const attack = written({ ...parts, ...Object.fromEntries(spoiled.map((part) => [part, wrong[part]])) })
      return { ...attack, route: isElsewhere ? undefined : `${wish.method} ${wish.path}` }
    },
  )

const WAITING = wishes.filter(({ waits }) => waits).map(({ path }) => new RegExp(`^${path.replace(/:\w+/g, '[^/]*')}(\\?|$)`))
const CHANGES_FRAMING = ['Upgrade', 'Connection', 'Transfer-Encoding', 'Content-Length', 'Expect']

function written({ method, target, authorization, headers, body, framing }: Parts): Omit<Attack, 'route'> {
  const lines = [
    `${method} ${target} HTTP/1.1`,
    'Host: vid.example',
    'Connection: close',
    ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
    ...framingHeaders(framing, body.length),
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ]
  return {
    method,
    bytes: Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), framed(framing, body)]),
    isBroken: isBroken(framing) || method === 'CONNECT' || headers.some(([name]) => CHANGES_FRAMING.includes(name)),
    waits: WAITING.some((pattern) => pattern.test(target)),
  }
}
