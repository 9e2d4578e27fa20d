import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { Logger } from '../telemetry/logger.ts'

/** The public keys to verify an issuer's tokens. */
export interface IssuerKeys {
  /**
   * The key with this id; undefined when the issuer has none.
   *
   * @throws KeysUnavailable when the keys cannot be fetched, and the cached ones lack this key or are too old
   */
  find(kid: string): Promise<KeyObject | undefined>
}

/** The keys could not be fetched; `cause` has the reason. */
export class KeysUnavailable extends Error {}

export interface RemoteKeysOptions {
  /** Returns a JWK set, or an object of PEM certificates by key id. */
  url: string
  log: Logger
  /** Milliseconds since the epoch. */
  now?: () => number
  timeoutMs?: number
}

const TIMEOUT_MS = 5000
/** Cache time when the issuer sends no max-age. */
const FRESH_MS = 300_000
/** How long expired keys may still be used while the issuer cannot be reached. */
const STALE_MS = 6 * 3_600_000
/** Pause after a failed fetch. */
const RETRY_MS = 5000
/** Limits early fetches because of unknown key ids, so that clients with made-up ids cannot make us flood the issuer. */
const EARLY_BURST = 5
const EARLY_EVERY_MS = 10_000

/** Fetches an issuer's keys when needed, caches them for their max-age, and fetches them again for an unknown key id. */
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

  /** Concurrent callers share one fetch. */
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
      // While the issuer cannot be reached, the last known keys stay valid for STALE_MS.
      if (failure && (!key || now() >= staleUntil))
        throw new KeysUnavailable('the keys could not be fetched', { cause: failure.error })
      return key
    },
  }
}

/** A token bucket: allows `burst` calls at once, and then one every `everyMs`. */
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

/** Parses the issuer's keys; leaves out those that are not RSA keys for signatures. */
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
