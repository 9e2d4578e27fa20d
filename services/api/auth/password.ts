import { availableParallelism } from 'node:os'
import { hash, verify } from '@node-rs/argon2'
import { turns } from '#platform/turns.ts'
import { busy } from '../errors.ts'

/** argon2id with the least that OWASP recommends: 19 MiB, 2 passes, 1 lane. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** Of the same cost as any other, and of no password. */
const NOBODYS = `$argon2id$v=19$m=${COST.memoryCost},t=${COST.timeCost},p=${COST.parallelism}$${'A'.repeat(22)}$${'A'.repeat(43)}`

/** More waiting would take longer than a client waits. */
const MAX_WAITING = 1000

/** Each one fills a core and 19 MiB; the thread pool has other work as well. */
const inTurn = limited(availableParallelism(), MAX_WAITING)

/** Hashes a password, off the event loop. Throws 503 when too many wait already. */
export const hashPassword = (password: string): Promise<string> => inTurn(() => hash(password, COST))

/** Watches over the passwords that somebody tries. */
export interface Guesses {
  /** Asked when one is about to be looked at. Rejects when there were too many wrong ones. */
  admit(): Promise<void>
  wrong(): void
}

/**
 * Whether a password is right. Without a hash it takes the time of one that is wrong, so that the time tells nobody
 * whether an account exists. Throws 503 when too many wait already.
 */
export const isPassword = (password: string, hashed: string | null | undefined, guesses?: Guesses): Promise<boolean> =>
  // Not before its turn: of many that wait none would know how many others were wrong.
  inTurn(async () => {
    await guesses?.admit()
    const isRight = (await verify(hashed ?? NOBODYS, password)) && hashed != null
    if (!isRight) guesses?.wrong()
    return isRight
  })

/** Runs at most `max` works at once, in the order of their coming, and refuses (503) when `maxWaiting` wait. */
export function limited(max: number, maxWaiting: number) {
  return turns(max, maxWaiting, busy)
}
