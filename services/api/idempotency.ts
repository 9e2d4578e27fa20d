import { createHmac } from 'node:crypto'
import type { Request } from '#platform/http/request.ts'
import type { Context } from '#platform/log/commands/executor.ts'
import { badRequest } from './errors.ts'

const SANE = /^[\x20-\x7e]{1,255}$/

/**
 * Reads the `Idempotency-Key` of requests.
 *
 * The fingerprint is stored, so it is a keyed hash: a plain hash of a body with a password would allow guessing it (P9).
 */
export function keysOf(secretKey: string): (request: Request) => Context['idempotency'] {
  const secret = createHmac('sha256', secretKey).update('idempotency').digest()
  return ({ headers, method, path, bytes, actor }) => {
    const key = headers['idempotency-key']
    if (key === undefined) return undefined
    if (typeof key !== 'string' || !SANE.test(key))
      throw badRequest('Idempotency-Key must be 1 to 255 printable ASCII characters')
    const fingerprint = createHmac('sha256', secret)
      .update(`${method} ${path}\n`)
      .update(bytes ?? '')
      .digest('base64url')
    // Callers without an identity must not get each other's answers by using the same key.
    return { scope: actor ?? `anyone-${fingerprint}`, key, fingerprint }
  }
}
