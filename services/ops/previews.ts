import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { failure } from '#platform/http/errors.ts'

/** Shown to an operator before a dangerous act: its target and how much it would affect. */
export interface Preview {
  act: string
  target: string
  /** Extent of the effect. If it has changed since, the preview is outdated. */
  count: number | string
  /** Session that saw the preview (`who.key`); no other session may act on it. */
  by?: string
}

const GOOD_FOR_MS = 5 * 60_000
/** New in each process, so previews do not survive a restart. */
const key = randomBytes(32)
/** Nonce → expiry of tokens already used: each is good for one act. Kept until the token expires. */
const used = new Map<string, number>()

const sign = ({ act, target, count, by = '' }: Preview, until: string, nonce: string) =>
  createHmac('sha256', key)
    .update(JSON.stringify([act, target, count, by, until, nonce]))
    .digest('base64url')

/** Issues a token that allows the act once, while the preview still holds. */
export const issue = (preview: Preview, now = Date.now()): string => {
  const until = String(now + GOOD_FOR_MS)
  const nonce = randomBytes(9).toString('base64url')
  return [until, nonce, sign(preview, until, nonce)].join('.')
}

/**
 * Uses up a token; `preview` describes the current state.
 * @throws HttpError 409 when the token is too old, was used or belongs to another session, or when the current state differs from
 *   the preview
 */
export function redeem(token: string, preview: Preview, now = Date.now()): void {
  const [until = '', nonce = '', signature = ''] = token.split('.')
  const given = Buffer.from(signature)
  const expected = Buffer.from(sign(preview, until, nonce))
  const isTrue = given.length === expected.length && timingSafeEqual(given, expected)
  if (!isTrue || Number(until) < now || used.has(nonce))
    throw failure(409, 'PREVIEW_OUTDATED', 'What you were shown is no longer true: look again, then decide')
  for (const [old, endsAt] of used) if (endsAt < now) used.delete(old)
  used.set(nonce, Number(until))
}
