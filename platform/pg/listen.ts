import pg from 'pg'
import type { Logger } from '../telemetry/logger.ts'
import { applicationName } from './application-name.ts'
import { PinnedClient } from './client.ts'
import { HOLDERS, type Holder } from './holder.ts'
import { openIncarnations } from './incarnation.ts'
import { lossesOf } from './losses.ts'
import { connectionOptions } from './pool.ts'

/** One LISTEN connection for a whole process, because each further listener makes every NOTIFY slower. */
export interface Listener {
  /**
   * Calls back with each payload and the incarnation of the server that sent it, and with undefined when notifications may have been
   * missed (after a reconnect). Returns a function that stops it.
   */
  on(channel: string, callback: Notified): () => void
  /** Resolves once the connection listens. */
  ready(): Promise<void>
  /**
   * Tries to take an advisory lock, which this connection holds until it is released or the connection breaks.
   * Calls `lost` when the connection breaks. Resolves to undefined when the lock is taken or there is no connection.
   */
  lock(key: string, lost: () => void): Promise<{ release(): Promise<void> } | undefined>
  /** The session that holds a lock, of this process or another; undefined when it is free or there is no connection. */
  holder(key: string): Promise<Holder | undefined>
  close(): Promise<void>
}

export type Notified = (payload: string | undefined, incarnation?: string) => void

const CONNECT_MS = 10_000
const KEEP_ALIVE_MS = 10_000
const RECONNECT_MS = 100
const RECONNECT_MS_MAX = 5_000

export interface ListenerOptions {
  /** Shown in pg_stat_activity, together with the process. */
  name?: string
  /** Logs when the connection is lost and when it is back. */
  log?: Pick<Logger, 'warn' | 'info'> | undefined
}

/** Opens the listening connection; when it breaks, it reconnects with backoff. */
export function openListener(url: string, { name = 'vidwiz', log }: ListenerOptions = {}): Listener {
  const losses = lossesOf(log, { listener: name })
  const callbacks = new Map<string, Set<Notified>>()
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

  const dropped = (gone: pg.Client, error?: Error) => {
    if (client !== gone) return
    if (!closed) losses.lost(error)
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
    // Pipelined, because several callers may ask for locks at once.
    const fresh = new PinnedClient({
      ...connectionOptions(url),
      application_name: applicationName(name, { listens: true }),
      pipeline: true,
      connectionTimeoutMillis: CONNECT_MS,
      // This connection seldom sends anything, so only keep-alive detects a server that vanished silently.
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    })
    fresh.on('error', (error) => dropped(fresh, error))
    fresh.on('end', () => dropped(fresh))
    let incarnation: string | undefined
    fresh.on('notification', ({ channel, payload }) => {
      for (const callback of callbacks.get(channel) ?? []) callback(payload, incarnation)
    })
    try {
      await fresh.connect()
      incarnation = await openIncarnations().met(fresh)
      for (const channel of callbacks.keys()) await fresh.query(`listen ${pg.escapeIdentifier(channel)}`)
    } catch (error) {
      fresh.end().catch(() => {})
      if (closed) return
      losses.lost(error)
      reconnect()
      return
    }
    if (closed) return void fresh.end().catch(() => {})
    client = fresh
    backoffMs = RECONNECT_MS
    losses.back()
    becameReady()
    wakeAll()
  }
  void connect()

  return {
    on(channel, callback) {
      const set = callbacks.get(channel) ?? new Set()
      if (!callbacks.has(channel)) {
        callbacks.set(channel, set)
        // Notifications before LISTEN took effect were missed, so the callback has to look once.
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
      // Recorded before asking, because Postgres grants one session the same lock twice.
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
    async holder(key) {
      const { rows } = (await client?.query(HOLDERS, [[key]])) ?? { rows: [] }
      if (rows.length === 0) return undefined
      const { key: _, ...holder } = rows[0]
      return holder
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
