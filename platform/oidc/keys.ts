import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { Logger } from '../telemetry/logger.ts'

/** The public keys by which an issuer signs its tokens. */
export interface IssuerKeys {
  /**
   * The key of that name; undefined when the issuer has none.
   *
   * @throws KeysUnavailable when the issuer cannot be asked and what is known of it is too old
   */
  find(kid: string): Promise<KeyObject | undefined>
}

/** The keys could not be fetched. `cause` is why. */
export class KeysUnavailable extends Error {}

export interface RemoteKeysOptions {
  /** Answers a JWK set, or an object of PEM certificates by key name. */
  url: string
  log: Logger
  /** Milliseconds since the epoch. */
  now?: () => number
  timeoutMs?: number
}

const TIMEOUT_MS = 5000
/** Where the issuer does not say how long its keys are good. */
const FRESH_MS = 300_000
/** How long keys may still be used when the issuer cannot be reached to renew them. */
const STALE_MS = 6 * 3_600_000
/** An issuer that just failed is not asked again for so long. */
const RETRY_MS = 5000
/** How often an unknown key name may have us ask again before it is due: whoever makes names up must not make us a nuisance. */
const EARLY_BURST = 5
const EARLY_EVERY_MS = 10_000

/** Keys fetched from their issuer when needed: kept as long as it says, and asked for again when a new name turns up. */
export function remoteKeys({ url, log, now = Date.now, timeoutMs = TIMEOUT_MS }: RemoteKeysOptions): IssuerKeys {
  let keys: ReadonlyMap<string, KeyObject> | undefined
  let freshUntil = 0
  let staleUntil = 0
  let failure: { error: unknown; until: number } | undefined
  let fetching: Promise<void> | undefined
  const mayAskEarly = allowance(EARLY_BURST, EARLY_EVERY_MS, now)

  async function fetchKeys() {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' })
      if (!response.ok) throw new Error(`${url} answered ${response.status}`)
      keys = keysIn(await response.json())
      freshUntil = now() + freshMs(response.headers)
      staleUntil = freshUntil + STALE_MS
      failure = undefined
    } catch (error) {
      failure = { error, until: now() + RETRY_MS }
      log.warn({ url, why: String((error as Error).cause ?? error) }, 'the keys of an issuer could not be fetched')
    }
  }

  /** One question at a time, whoever wants to know. */
  const refresh = () => {
    fetching ??= fetchKeys().finally(() => {
      fetching = undefined
    })
    return fetching
  }

  return {
    async find(kid) {
      const isResting = failure !== undefined && now() < failure.until
      const isDue = now() >= freshUntil
      if (!isResting && (isDue || (!keys?.has(kid) && (fetching || mayAskEarly())))) await refresh()
      const key = keys?.get(kid)
      // An issuer that is out of reach leaves us with what it said last, for a while.
      if (failure && (!key || now() >= staleUntil))
        throw new KeysUnavailable('the keys could not be fetched', { cause: failure.error })
      return key
    },
  }
}

/** Lets `burst` through at once and then one every `everyMs`. */
function allowance(burst: number, everyMs: number, now: () => number): () => boolean {
  let left = burst
  let at = now()
  return () => {
    left = Math.min(burst, left + (now() - at) / everyMs)
    at = now()
    if (left < 1) return false
    left--
    return true
  }
}

function freshMs(headers: Headers): number {
  const maxAge = /(?:^|[\s,])max-age=(\d+)/i.exec(headers.get('cache-control') ?? '')?.[1]
  if (maxAge === undefined) return FRESH_MS
  return Math.max(0, Number(maxAge) - Number(headers.get('age') ?? 0)) * 1000 || 0
}

/** What is no RSA key for signatures is left out: the others are still good. */
function keysIn(document: unknown): ReadonlyMap<string, KeyObject> {
  if (typeof document !== 'object' || document === null) throw new Error('not a set of keys')
  const { keys } = document as { keys?: unknown }
  const found: [unknown, unknown][] = Array.isArray(keys)
    ? keys.filter((jwk) => (jwk?.use ?? 'sig') === 'sig').map((jwk) => [jwk?.kid, jwk])
    : Object.entries(document)
  return new Map(
    found.flatMap(([kid, key]) => {
      const parsed = typeof kid === 'string' ? rsaKey(key) : undefined
      return parsed ? [[kid as string, parsed]] : []
    }),
  )
}

function rsaKey(given: unknown): KeyObject | undefined {
  try {
    const key = typeof given === 'string' ? createPublicKey(given) : createPublicKey({ key: given as JsonWebKey, format: 'jwk' })
    return key.asymmetricKeyType === 'rsa' ? key : undefined
  } catch {
    return undefined
  }
}
