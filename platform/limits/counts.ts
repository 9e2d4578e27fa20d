import { LRUCache } from 'lru-cache'
import type { Logger } from '../telemetry/logger.ts'

/** How often something has happened in its present window of time, as far as is known here. */
export interface Count {
  total: number
  /** Milliseconds since the epoch, by the clock of this process. */
  endsAt: number
}

/** What was counted here since the last exchange; 0 for who only wants to know. */
export interface Hits {
  key: string
  hits: number
  windowMs: number
}

/** Adds the counts of this process to those of all others. */
export type Exchange = (batch: readonly Hits[]) => Promise<{ key: string; total: number; leftMs: number }[]>

/** Counts together with other processes. A window begins with the first hit and has the length given with that. */
export interface Counts {
  /** What is known at this moment, without counting. */
  known(key: string): Count | undefined
  /** Counts one more, by what is known here: what others counted is added a moment later. */
  add(key: string, windowMs: number): Count
  /** Counts one more, or only looks, and waits (bounded) until what others have counted is in. */
  addShared(key: string, windowMs: number, by?: 0 | 1): Promise<Count>
  /** Ends the exchange; what comes later is counted here only. */
  close(): Promise<void>
}

/** How long hits may be known to one process only. */
const SHARE_EVERY_MS = 200
const PATIENCE_MS = 500
/** Whoever comes with more names than that within one window makes us forget those that were idle longest. */
const MAX_KEYS = 100_000

/** Hits on their way to the others. */
interface Batch {
  hits: Map<string, Hits>
  /** What all had counted before these, once it is known. */
  before: Map<string, number>
  /** Resolves when it was exchanged, or could not be. */
  settled: PromiseWithResolvers<void>
}

const emptyBatch = (): Batch => ({ hits: new Map(), before: new Map(), settled: Promise.withResolvers() })

export interface SharedCountsOptions {
  exchange: Exchange
  log: Logger
  now?: () => number
  /** A database that takes longer to count is not worth waiting for: then this process's own count must do. */
  patienceMs?: number
}

export function sharedCounts({ exchange, log, now = Date.now, patienceMs = PATIENCE_MS }: SharedCountsOptions): Counts {
  const counts = new LRUCache<string, Count>({ max: MAX_KEYS })
  let next = emptyBatch()
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let isWanted = false
  let isAlone = false
  let isClosed = false

  function known(key: string): Count | undefined {
    const count = counts.get(key)
    return count && count.endsAt > now() ? count : undefined
  }

  /** Returns the count, and the how manieth of the next batch this one is. */
  function change(key: string, windowMs: number, by: 0 | 1): [Count, number] {
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

  /** One exchange at a time: what comes meanwhile goes with the next. */
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
        // What has come in since is in nobody else's count yet.
        const since = next.hits.get(key)?.hits ?? 0
        counts.set(key, { total: total + since, endsAt: now() + leftMs })
      }
      if (isAlone) log.info('rate limits are shared again')
      isAlone = false
    } catch (error) {
      // What was counted here still holds here.
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
      await within(patienceMs, batch.settled.promise)
      const before = batch.before.get(key)
      return before === undefined ? alone : { total: before + nth, endsAt: known(key)?.endsAt ?? alone.endsAt }
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      await within(patienceMs, Promise.resolve(running))
    },
  }
}

function within(ms: number, work: Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout
  const patience = new Promise((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  return Promise.race([work, patience]).finally(() => clearTimeout(timer))
}
