import { rateLimit, type Store } from 'express-rate-limit'
import type { Count, Counts } from './counts.ts'

/** So many in so long. */
export interface Limit {
  limit: number
  windowMs: number
}

/** A client has used up its limit. */
export class LimitExceeded extends Error {
  /** Until its window ends: a whole number, at least 1. */
  readonly resetInSeconds: number
  constructor(resetInSeconds: number) {
    super(`limit exceeded, resets in ${resetInSeconds} s`)
    this.resetInSeconds = resetInSeconds
  }
}

/** Counts one more for a client. Rejects with LimitExceeded when that is more than it may. */
export type Limiter = (client: string) => Promise<void>

/** Limits what goes wrong, and leaves alone whoever does it right. */
export interface FailureLimiter {
  /** Rejects with LimitExceeded when so much went wrong that nothing more may be tried. */
  admit: Limiter
  /** Counts something that went wrong. */
  failed(client: string): void
}

interface LimiterOptions extends Limit {
  /** Stands before each client's name: others count the same clients for something else. */
  name: string
  counts: Counts
}

/**
 * Makes a limit on how often a client may do something, which holds across processes.
 *
 * @param isExact true: waits for what other processes have counted. False: goes by what is known here, and may let through
 *   what others counted within the last moment
 */
export function limiter({ name, limit, windowMs, counts, isExact }: LimiterOptions & { isExact: boolean }): Limiter {
  return gate({ limit, windowMs }, (client) => {
    const key = `${name} ${client}`
    const known = counts.known(key)
    // Whoever is over it is not counted on: a flood of refusals costs nothing more.
    if (known && known.total > limit) return known
    return isExact ? counts.addShared(key, windowMs) : counts.add(key, windowMs)
  })
}

/** Makes a limit on how often something may go wrong for a client, which holds across processes. */
export function failureLimiter({ name, limit, windowMs, counts }: LimiterOptions): FailureLimiter {
  const keyOf = (client: string) => `${name} ${client}`
  /** As if the one that is about to be tried had gone wrong too. */
  const next = ({ total, endsAt }: Count): Count => ({ total: total + 1, endsAt })
  return {
    admit: gate({ limit, windowMs }, async (client) => {
      const known = counts.known(keyOf(client))
      return next(known && known.total >= limit ? known : await counts.addShared(keyOf(client), windowMs, 0))
    }),
    failed: (client) => void counts.addShared(keyOf(client), windowMs),
  }
}

/** express-rate-limit, which asks of a request and an answer no more than it is given here. */
function gate({ limit, windowMs }: Limit, count: (client: string) => Count | Promise<Count>): Limiter {
  const info = ({ total, endsAt }: Count) => ({ totalHits: total, resetTime: new Date(endsAt) })
  const store: Store = {
    increment(client) {
      const counted = count(client)
      return counted instanceof Promise ? counted.then(info) : info(counted)
    },
    decrement() {},
    resetKey() {},
  }
  const middleware = rateLimit({
    windowMs,
    limit,
    store,
    keyGenerator: (request) => (request as unknown as { client: string }).client,
    handler: (request, _, next) => next(exceeded((request as unknown as { rateLimit: { resetTime: Date } }).rateLimit)),
    standardHeaders: false,
    legacyHeaders: false,
    validate: false,
  })
  return (client) =>
    new Promise((resolve, reject) => {
      middleware({ client } as never, {} as never, (error?: unknown) => (error ? reject(error) : resolve()))
    })
}

const exceeded = ({ resetTime }: { resetTime: Date }) =>
  new LimitExceeded(Math.max(1, Math.ceil((resetTime.getTime() - Date.now()) / 1000)))
