import { availableParallelism } from 'node:os'
import { hash, verify } from '@node-rs/argon2'
import { turns } from '#platform/turns.ts'
import { busy } from '../errors.ts'

/** argon2id with the minimum that OWASP recommends: 19 MiB, 2 passes, 1 lane. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** Dummy hash that no password matches, so that unknown e-mails take as long. */
const NOBODYS = `$argon2id$v=19$m=${COST.memoryCost},t=${COST.timeCost},p=${COST.parallelism}$${'A'.repeat(22)}$${'A'.repeat(43)}`

/** With more in the queue, the last would wait longer than a client does. */
const MAX_WAITING = 1000

/** Each hash occupies a core and 19 MiB, and the thread pool has other work as well. */
const inTurn = limited(availableParallelism(), MAX_WAITING)

/** Hashes a password off the event loop. Throws 503 when too many wait already. */
export const hashPassword = (password: string): Promise<string> => inTurn(() => hash(password, COST))

/** Limits guesses of a password. */
export interface Guesses {
  /** Called right before a password is checked. Rejects after too many wrong ones. */
  admit(): Promise<void>
  wrong(): void
}

/**
 * Whether a password is right. Without a hash the check takes as long as for a wrong password, so that the time does not tell
 * whether an account exists. Throws 503 when too many wait already.
 */
export const isPassword = (password: string, hashed: string | null | undefined, guesses?: Guesses): Promise<boolean> =>
  // Admit only when its turn comes: while it waited, others may have turned out wrong.
  inTurn(async () => {
    await guesses?.admit()
    const isRight = (await verify(hashed ?? NOBODYS, password)) && hashed != null
    if (!isRight) guesses?.wrong()
    return isRight
  })

/** Runs at most `max` tasks at once, first come first served; rejects with 503 when `maxWaiting` wait already. */
export function limited(max: number, maxWaiting: number) {
  return turns(max, maxWaiting, busy)
}
