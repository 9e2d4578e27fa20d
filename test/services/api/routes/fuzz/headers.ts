import fc from 'fast-check'
import { signed } from '../kit.ts'
import type { Keys } from './keys.ts'

const { constantFrom, constant, oneof, record, tuple } = fc

/** What comes as `Authorization`: right tokens too, which are wrong for most routes. */
export const authorizations = ({ secret, user, userId, longTerm, admin }: Keys) => {
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
    { weight: 2, arbitrary: constantFrom(`Bearer ${longTerm}`, `Bearer ${admin}`) },
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

/** Headers that some part of us reads, or of Node. */
export const anyHeader: fc.Arbitrary<[string, string]> = oneof(
  tuple(
    constant('Content-Type'),
    constantFrom('application/json', 'text/plain', '', ';', 'application/x+json', 'a'.repeat(5000), 'multipart/form-data'),
  ),
  tuple(constant('X-Request-ID'), constantFrom('abc', 'a b', '\xe9', 'x'.repeat(200), '{}', '')),
  tuple(constant('Idempotency-Key'), constantFrom('k1', 'k2', '', '\xff', 'x'.repeat(300))),
  tuple(constant('X-Guest-Session-ID'), constantFrom('', ' ', 'guest', '\xe9', 'x'.repeat(5000))),
  tuple(constant('Origin'), constantFrom('null', 'https://a.example', '\xe9\t', '*', '')),
  tuple(constant('Cookie'), constantFrom('a=b', '')),
  tuple(constant('Access-Control-Request-Method'), constantFrom('GET', 'FOO', '')),
  tuple(constant('Access-Control-Request-Headers'), constantFrom('a, b', '\xe9', 'x'.repeat(3000))),
  tuple(constant('traceparent'), constantFrom('00-x', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)),
  tuple(constant('Expect'), constantFrom('100-continue', 'x')),
  tuple(constant('X-Forwarded-Proto'), constantFrom('https', 'javascript')),
  tuple(
    constant('X-Forwarded-For'),
    constantFrom('', ',', 'unknown', '1.2.3.4, 5.6.7.8', '::1', '[::1]:80', '1.2.3.4:x', ', '.repeat(500)),
  ),
  tuple(
    constantFrom('If-Match', 'If-None-Match'),
    constantFrom('*', '"1"', 'W/"1"', '"1", "2"', '"', '', ',,,', '"x'.repeat(2000)),
  ),
  tuple(
    constant('VidWiz-Position'),
    constantFrom('', 'x', 'notes.0.1', 'notes.0.999999999', 'notes.9999.1', 'notes.0.1,'.repeat(500), '{}'),
  ),
  tuple(constant('Last-Event-ID'), constantFrom('1', '\xe9')),
  tuple(constant('Content-Encoding'), constantFrom('gzip', 'br')),
  tuple(
    constantFrom('Upgrade', 'Connection', 'Transfer-Encoding', 'Host', 'Content-Length', 'Authorization'),
    constantFrom('websocket', 'x', '', '-1'),
  ),
  tuple(constantFrom('X', '__proto__', 'constructor'), constantFrom('x', '\x01', 'y'.repeat(17_000))),
)
