import { ipKeyGenerator } from 'express-rate-limit'
import type { Request } from '#platform/http/request.ts'
import type { Counts } from '#platform/limits/counts.ts'
import { failureLimiter, type Limit } from '#platform/limits/limiter.ts'

/** Wrong secrets allowed per network, and from all networks together, because guesses may come from many. */
const NETWORK: Limit = { limit: 10, windowMs: 5 * 60_000 }
const ALL: Limit = { limit: 100, windowMs: 5 * 60_000 }

/** Limits guessing of secrets. */
export interface Attempts {
  /** Called before a secret is compared. Rejects with LimitExceeded after too many wrong ones. */
  admit(request: Request): Promise<void>
  /** Same check from locally known counts only: cheap enough for every request. */
  isOver(request: Request): boolean
  /** Counts a wrong secret. */
  failed(request: Request): void
}

export function attemptsOf(counts: Counts): Attempts {
  const each = [
    { name: 'ops-network', bound: NETWORK, of: networkOf },
    { name: 'ops', bound: ALL, of: () => 'all' },
  ].map(({ name, bound, of }) => ({ name, bound, of, limiter: failureLimiter({ name, ...bound, counts }) }))
  return {
    async admit(request) {
      for (const { limiter, of } of each) await limiter.admit(of(request))
    },
    isOver: (request) => each.some(({ name, bound, of }) => (counts.known(`${name} ${of(request)}`)?.total ?? 0) >= bound.limit),
    failed(request) {
      for (const { limiter, of } of each) limiter.failed(of(request))
    },
  }
}

/** No limits. */
export const unlimitedAttempts: Attempts = { admit: async () => {}, isOver: () => false, failed() {} }

/** Anyone with one IPv6 address controls at least its whole /64 network. */
const IPV6_NETWORK_BITS = 64
const networkOf = ({ address = '' }: Request): string => ipKeyGenerator(address, IPV6_NETWORK_BITS)
