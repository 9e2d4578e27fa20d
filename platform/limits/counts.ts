import { LRUCache } from 'lru-cache'
import { atMost, within } from '#platform/deadline.ts'
import type { Logger } from '../telemetry/logger.ts'

/** How often something has happened in its current time window, as far as this process knows. */
export interface WindowCount {
  total: number
  /** End of the window: milliseconds since the epoch, by this process's clock. */
  endsAt: number
}

/** Hits counted here since the last exchange; 0 hits to only read the total. */
export interface Hits {
  key: string
  hits: number
  windowMs: number
}

/** Adds hits of this process to the shared counts and returns the totals of all processes. */
export type Exchange = (batch: readonly Hits[]) => Promise<{ key: string; total: number; leftMs: number }[]>

/** Counts shared with other processes. A window begins with its first hit, which sets its length. */
export interface Counts {
  /** The count known here now; counts nothing. */
  known(key: string): WindowCount | undefined
  /** Adds one hit to the count known here; the hits of other processes are added a moment later. */
  add(key: string, windowMs: number): WindowCount
  /** Adds one hit (or none, to only read), and waits, in bounded time, for the total of all processes. */
  addShared(key: string, windowMs: number, by?: 0 | 1): Promise<WindowCount>
  /** Ends the exchange; later hits are counted only here. */
  close(): Promise<void>
}

/** How long hits may be known only to one process. */
const SHARE_EVERY_MS = 200
const PATIENCE_MS = 500
/** Bounds memory: with more keys within one window, the least recently used are forgotten. */
const MAX_KEYS = 100_000

/** Hits to share in one exchange. */
interface Batch {
  hits: Map<string, Hits>
  /** Totals of all processes without these hits, once known. */
  before: Map<string, number>
  /** Resolves when the exchange has succeeded or failed. */
  settled: PromiseWithResolvers<void>
}

const emptyBatch = (): Batch => ({ hits: new Map(), before: new Map(), settled: Promise.withResolvers() })

export interface SharedCountsOptions {
  exchange: Exchange
  log: Logger
  now?: () => number
  /** How long to wait for the database; after that this process uses its own count. */
  patienceMs?: number
}

export function sharedCounts({ exchange, log, now = Date.now, patienceMs = PATIENCE_MS }: SharedCountsOptions): Counts {
  const counts = new LRUCache<string, WindowCount>({ max: MAX_KEYS })
  let next = emptyBatch()
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let isWanted = false
  let isAlone = false
  let isClosed = false

  function known(key: string): WindowCount | undefined {
    const count = counts.get(key)
    return count && count.endsAt > now() ? count : undefined
  }

  /** Returns the count, and the number of this key's hits in the next batch, including this one. */
  function change(key: string, windowMs: number, by: 0 | 1): [WindowCount, number] {
    let count = known(key)
    if (!count) {
      count = { total: 0, endsAt: now() + windowMs }
      counts.set(key, count)
    }
    count.total += by
    let hits = next.hits.get(key)
    if (hits) hits.hits += by
    else {
      hits = { key, hits: by, windowMs }
      if (next.hits.size < MAX_KEYS) next.hits.set(key, hits)
    }
    shareLater()
    return [count, hits.hits]
  }

  function shareLater() {
    if (!isClosed) timer ??= setTimeout(share, SHARE_EVERY_MS).unref()
  }

  /** Runs one exchange at a time; hits that arrive meanwhile go into the next one. */
  function share() {
    clearTimeout(timer)
    timer = undefined
    isWanted = running !== undefined
    if (isWanted || isClosed) return
    running = send(next).finally(() => {
      running = undefined
      if (isWanted) share()
      else if (next.hits.size > 0) shareLater()
    })
  }

  async function send(batch: Batch) {
    next = emptyBatch()
    try {
      for (const { key, total, leftMs } of await exchange([...batch.hits.values()])) {
        batch.before.set(key, total - batch.hits.get(key)!.hits)
        // Hits that arrived during the exchange are not in the shared total yet.
        const since = next.hits.get(key)?.hits ?? 0
        counts.set(key, { total: total + since, endsAt: now() + leftMs })
      }
      if (isAlone) log.info('rate limits are shared again')
      isAlone = false
    } catch (error) {
      // This process goes on with its own counts.
      if (!isAlone) log.warn({ error }, 'rate limits cannot be shared: each process counts for itself')
      isAlone = true
    }
    batch.settled.resolve()
  }

  return {
    known,
    add: (key, windowMs) => change(key, windowMs, 1)[0],
    async addShared(key, windowMs, by = 1) {
      const batch = next
      const [count, nth] = change(key, windowMs, by)
      const alone = { ...count }
      if (isClosed || isAlone) return alone
      share()
      await within(patienceMs, batch.settled.promise, () => {})
      const before = batch.before.get(key)
      return before === undefined ? alone : { total: before + nth, endsAt: known(key)?.endsAt ?? alone.endsAt }
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      await atMost(patienceMs, running)
    },
  }
}
