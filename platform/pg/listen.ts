import pg from 'pg'
import { connectionOptions } from './pool.ts'

/** One LISTEN connection for a whole process: idle listeners cost every NOTIFY. */
export interface Listener {
  /** Calls back with each payload, and with undefined when some may have been missed (after a reconnect). Returns how to stop. */
  on(channel: string, callback: (payload: string | undefined) => void): () => void
  /** Resolves once the connection listens. */
  ready(): Promise<void>
  /**
   * Tries to take a lock that this connection holds until it is released or lost.
   * `lost` is called when the connection breaks.
   */
  lock(key: string, lost: () => void): Promise<{ release(): Promise<void> } | undefined>
  close(): Promise<void>
}

const RECONNECT_MS = 100
const RECONNECT_MS_MAX = 5_000

/** Opens the listening connection; it comes back by itself, with backoff, whenever it breaks. */
export function openListener(url: string, { name = 'vidwiz' }: { name?: string } = {}): Listener {
  const callbacks = new Map<string, Set<(payload: string | undefined) => void>>()
  const held = new Map<string, () => void>()
  let client: pg.Client | undefined
  let closed = false
  let backoffMs = RECONNECT_MS
  let retry: NodeJS.Timeout | undefined
  let becameReady: () => void
  let whenReady = new Promise<void>((resolve) => {
    becameReady = resolve
  })

  const wakeAll = () => {
    for (const set of callbacks.values()) for (const callback of set) callback(undefined)
  }

  const dropped = (gone: pg.Client) => {
    if (client !== gone) return
    client = undefined
    whenReady = new Promise((resolve) => {
      becameReady = resolve
    })
    const lost = [...held.values()]
    held.clear()
    for (const tell of lost) tell()
    if (!closed) reconnect()
  }

  const reconnect = () => {
    retry = setTimeout(() => void connect(), backoffMs * (0.5 + Math.random() / 2))
    backoffMs = Math.min(backoffMs * 2, RECONNECT_MS_MAX)
  }

  const connect = async () => {
    // Pipelined: several may ask for locks at the same moment.
    const fresh = new pg.Client({ ...connectionOptions(url, { name: `${name} listener` }), pipeline: true })
    fresh.on('error', () => dropped(fresh))
    fresh.on('end', () => dropped(fresh))
    fresh.on('notification', ({ channel, payload }) => {
      for (const callback of callbacks.get(channel) ?? []) callback(payload)
    })
    try {
      await fresh.connect()
      for (const channel of callbacks.keys()) await fresh.query(`listen ${pg.escapeIdentifier(channel)}`)
    } catch {
      fresh.end().catch(() => {})
      if (!closed) reconnect()
      return
    }
    if (closed) return void fresh.end().catch(() => {})
    client = fresh
    backoffMs = RECONNECT_MS
    becameReady()
    wakeAll()
  }
  void connect()

  return {
    on(channel, callback) {
      const set = callbacks.get(channel) ?? new Set()
      if (!callbacks.has(channel)) {
        callbacks.set(channel, set)
        // What was notified before LISTEN took hold was missed: look once.
        client?.query(`listen ${pg.escapeIdentifier(channel)}`).then(
          () => callback(undefined),
          () => {},
        )
      }
      set.add(callback)
      return () => set.delete(callback)
    },
    ready: () => whenReady,
    async lock(key, lost) {
      const connection = client
      if (!connection || held.has(key)) return undefined
      // From now on: Postgres would give one session the same lock twice.
      held.set(key, lost)
      const letGo = () => held.get(key) === lost && held.delete(key)
      let got = false
      try {
        const { rows } = await connection.query('select pg_try_advisory_lock(hashtextextended($1, 0)) as got', [key])
        got = rows[0].got && client === connection
      } finally {
        if (!got) letGo()
      }
      if (!got) return undefined
      return {
        async release() {
          if (letGo() && client === connection)
            await connection.query('select pg_advisory_unlock(hashtextextended($1, 0))', [key]).catch(() => {})
        },
      }
    },
    async close() {
      closed = true
      clearTimeout(retry)
      held.clear()
      const last = client
      client = undefined
      await last?.end().catch(() => {})
    },
  }
}
