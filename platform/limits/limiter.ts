import { rateLimit, type Store } from 'express-rate-limit'
import type { Counts, WindowCount } from './counts.ts'

/** At most `limit` hits in `windowMs`. */
export interface Limit {
  limit: number
  windowMs: number
}

/** A client has used up its limit. */
export class LimitExceeded extends Error {
  /** Time until its window ends: a whole number, at least 1. */
  readonly resetInSeconds: number
  constructor(resetInSeconds: number) {
    super(`limit exceeded, resets in ${resetInSeconds} s`)
    this.resetInSeconds = resetInSeconds
  }
}

/** Counts one request of a client. Rejects with LimitExceeded when it exceeds the limit. */
export type Limiter = (client: string) => Promise<void>

/** Limits failed attempts, such as wrong passwords; successful attempts do not count. */
export interface FailureLimiter {
  /** Rejects with LimitExceeded when too many attempts have failed. Counts nothing. */
  admit: Limiter
  /** Counts a failed attempt. */
  failed(client: string): void
}

interface LimiterOptions extends Limit {
  /** Prefix of the keys, because other limiters count the same clients. */
  name: string
  counts: Counts
}

/**
 * Makes a limit on the requests of a client, shared by all processes.
 *
 * @param isExact true: waits for the counts of other processes. False: uses only the count known here, which may lack the other
 *   processes' most recent hits
 */
export function limiter({ name, limit, windowMs, counts, isExact }: LimiterOptions & { isExact: boolean }): Limiter {
  return gate({ limit, windowMs }, (client) => {
    const key = `${name} ${client}`
    const known = counts.known(key)
    // A client over its limit is not counted further, so a flood of refused requests costs nothing more.
    if (known && known.total > limit) return known
    return isExact ? counts.addShared(key, windowMs) : counts.add(key, windowMs)
  })
}

/** Makes a limit on the failed attempts of a client, shared by all processes. */
export function failureLimiter({ name, limit, windowMs, counts }: LimiterOptions): FailureLimiter {
  const keyOf = (client: string) => `${name} ${client}`
  /** Counts the coming attempt as failed, so that it is refused if its failure would exceed the limit. */
  const next = ({ total, endsAt }: WindowCount): WindowCount => ({ total: total + 1, endsAt })
  return {
    admit: gate({ limit, windowMs }, async (client) => {
      const known = counts.known(keyOf(client))
      return next(known && known.total >= limit ? known : await counts.addShared(keyOf(client), windowMs, 0))
    }),
    failed: (client) => void counts.addShared(keyOf(client), windowMs),
  }
}

/** Wraps express-rate-limit, which needs no more of a request and an answer than it gets here. */
function gate({ limit, windowMs }: Limit, count: (client: string) => WindowCount | Promise<WindowCount>): Limiter {
  const info = ({ total, endsAt }: WindowCount) => ({ totalHits: total, resetTime: new Date(endsAt) })
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
