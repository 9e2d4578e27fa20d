import { createHmac } from 'node:crypto'

/** Names the guest of a session id, always alike: 22 letters, digits, `-` and `_`. */
export type NameGuest = (sessionId: string) => string

/** Shorter than a digest and still beyond guessing: 128 bits. */
const BYTES = 16

/**
 * Makes the name by which a guest goes everywhere behind the guards: a keyed hash of the session id that its browser made up.
 *
 * Whoever sends that id is that guest, so the id itself must not enter the log (P9); and as a browser may send any text, also
 * a short one, a plain hash of it could be guessed.
 */
export function guestsOf(secretKey: string): NameGuest {
  const secret = createHmac('sha256', secretKey).update('guests').digest()
  return (sessionId) => createHmac('sha256', secret).update(sessionId).digest().subarray(0, BYTES).toString('base64url')
}
