import { ipKeyGenerator } from 'express-rate-limit'
import type { Logger } from 'pino'
import type { Settings } from '#platform/config/settings.ts'
import type { Request } from '#platform/http/request.ts'
import { type Counts, sharedCounts } from '#platform/limits/counts.ts'
import { failureLimiter, type Limit, type Limiter, limiter } from '#platform/limits/limiter.ts'
import { countInPostgres } from '#platform/limits/postgres.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { Guesses } from './auth/password.ts'
import { shown, type Tokens, userIdOf } from './auth/tokens.ts'

/** Workers ask as often as there is work, and monitoring must never be refused. */
export const isLimited = (path: string): boolean => path.startsWith('/v2/') && !path.startsWith('/v2/internal/')

/** How often a client may make which requests. */
export interface Rules {
  /** A signed-in user, for all requests without a limit of their own below. */
  user: Limit
  /** An address without a valid token, for the same requests. */
  address: Limit
  /** An address, for each way to sign in. */
  login: Limit
  register: Limit
  google: Limit
  /** Wrong passwords for an account, from any address. */
  account: Limit
  /** A user, for searches on YouTube, which allows us a hundred a day. */
  title: Limit
}

/** Keeps clients from asking too often. */
export interface Limits {
  /** Counts a request. Rejects with LimitExceeded; undefined where there is no limit. */
  admit(request: Request): Promise<void> | undefined
  /** Limits wrong passwords of an account. */
  guesses(email: string): Guesses
  /** Counts a user's search on YouTube. Rejects with LimitExceeded. */
  search(userId: number): Promise<void> | undefined
}

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS

const every =
  (windowMs: number) =>
  (limit: number): Limit => ({ limit, windowMs })
const perMinute = every(MINUTE_MS)
const per5Minutes = every(5 * MINUTE_MS)
const perDay = every(24 * 60 * MINUTE_MS)

/** For development, tests and benchmarks: stops only runaway clients. */
const LOCAL: Rules = {
  user: perMinute(1_000_000),
  address: perMinute(1_000_000),
  login: perMinute(1200),
  register: perMinute(1200),
  google: perMinute(1200),
  account: per5Minutes(60),
  title: perDay(1000),
}

const PUBLIC: Rules = {
  user: perMinute(600),
  address: perMinute(300),
  login: perMinute(60),
  register: perMinute(30),
  google: perMinute(60),
  account: per5Minutes(10),
  title: perDay(20),
}

/** The rules from the settings; the environment's defaults for the rest. */
export function rulesOf(settings: Settings): Rules {
  const usual = settings.ENVIRONMENT === 'local' ? LOCAL : PUBLIC
  return {
    user: settings.RATE_LIMIT_USER ?? usual.user,
    address: settings.RATE_LIMIT_ADDRESS ?? usual.address,
    login: settings.RATE_LIMIT_LOGIN ?? usual.login,
    register: settings.RATE_LIMIT_REGISTER ?? usual.register,
    google: settings.RATE_LIMIT_GOOGLE ?? usual.google,
    account: settings.RATE_LIMIT_ACCOUNT ?? usual.account,
    title: settings.RATE_LIMIT_TITLE ?? usual.title,
  }
}

/** Counts in the database, shared with all other processes of the API. */
export const countsOf = (db: Queryable, log: Logger): Counts => sharedCounts({ exchange: countInPostgres(db), log })

export const unlimited: Limits = {
  admit: () => undefined,
  guesses: () => ({ admit: async () => {}, wrong() {} }),
  search: () => undefined,
}

/** Makes the limits of an API. */
export function limitsOf({ rules, counts, tokens }: { rules: Rules; counts: Counts; tokens: Tokens }): Limits {
  const limit = (name: keyof Rules, isExact: boolean) => limiter({ name, ...rules[name], counts, isExact })
  const user = limit('user', false)
  const address = limit('address', false)
  const title = limit('title', true)
  const account = failureLimiter({ name: 'account', ...rules.account, counts })
  // Exact counts: a guesser must gain nothing by spreading tries over the processes.
  const waysIn: Record<string, Limiter> = {
    '/v2/auth/login': limit('login', true),
    '/v2/auth/register': limit('register', true),
    '/v2/auth/google': limit('google', true),
  }

  return {
    admit(request) {
      const { route = '' } = request
      const wayIn = waysIn[route]
      if (wayIn) return wayIn(networkOf(request))
      if (!isLimited(route)) return undefined
      const claims = shown(request.headers.authorization, tokens)
      const userId = claims && userIdOf(claims)
      return userId === undefined ? address(networkOf(request)) : user(String(userId))
    },
    guesses: (email) => ({ admit: () => account.admit(email), wrong: () => account.failed(email) }),
    search: (userId) => title(String(userId)),
  }
}

/** A client with an IPv6 address usually has a whole /64, so its addresses count as one. */
const IPV6_NETWORK_BITS = 64

const networkOf = ({ address = '' }: Request): string => ipKeyGenerator(address, IPV6_NETWORK_BITS)
