import { createHmac } from 'node:crypto'

/** Names the guest of a session id; the same id always gets the same name: 22 letters, digits, `-` and `_`. */
export type NameGuest = (sessionId: string) => string

/** Shorter than a full digest; 128 bits cannot be guessed. */
const BYTES = 16

/**
 * Makes the name by which a guest is known behind the guards: a keyed hash of the session id that the guest's browser chose.
 *
 * The session id acts as the guest's password, so it must not enter the log (P9). A browser may choose any text, also a short one,
 * so a plain hash could be reversed by guessing.
 */
export function guestsOf(secretKey: string): NameGuest {
  const secret = createHmac('sha256', secretKey).update('guests').digest()
  return (sessionId) => createHmac('sha256', secret).update(sessionId).digest().subarray(0, BYTES).toString('base64url')
}
