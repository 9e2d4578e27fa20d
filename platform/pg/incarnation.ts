import type pg from 'pg'

/**
 * SQL that identifies an incarnation of the server: its life from a start to the next crash or stop. Each start has another start
 * time. When only a backend is killed and the postmaster recovers without a restart, Postgres resets its statistics, so the reset
 * time changes. Nothing is written, so this also works on a standby or a read-only server.
 */
export const INCARNATION = `extract(epoch from pg_postmaster_start_time()) || ' ' ||
  coalesce((select extract(epoch from stats_reset) from pg_stat_bgwriter), 0)`

/** What a pool knows about the incarnations of the server that its connections reach. */
export interface Incarnations {
  /**
   * How often a new connection found another incarnation than the connection before it. While this count stays the same, all reads
   * came from one incarnation: each connection checks before its first use and ends with the server.
   */
  changes(): number
  /** False behind a pooler: connections to a pooler outlive the server, so `changes` can miss a restart. */
  areDirect(): boolean
  /** Calls back at each change. Returns a function that stops it. */
  onChange(callback: () => void): () => void
}

const MEET = `select ${INCARNATION} as incarnation, pg_backend_pid() as pid`

/** The incarnation that a connection reaches, and whether no pooler is in between. */
async function meet(client: pg.ClientBase): Promise<{ incarnation: string; isDirect: boolean }> {
  const { rows } = await client.query<{ incarnation: string; pid: number }>(MEET)
  const { incarnation, pid } = rows[0]!
  return { incarnation, isDirect: (client as { processID?: number | null }).processID === pid }
}

/** @returns the incarnations, and `met`, which every connection calls before its first use */
export function openIncarnations(): { incarnations: Incarnations; met(client: pg.ClientBase): Promise<string> } {
  const callbacks = new Set<() => void>()
  let last: string | undefined
  let changes = 0
  let areDirect = true
  return {
    incarnations: {
      changes: () => changes,
      areDirect: () => areDirect,
      onChange(callback) {
        callbacks.add(callback)
        return () => callbacks.delete(callback)
      },
    },
    async met(client) {
      const { incarnation, isDirect } = await meet(client)
      areDirect &&= isDirect
      const isOther = last !== undefined && last !== incarnation
      last = incarnation
      if (isOther) {
        changes++
        for (const callback of callbacks) callback()
      }
      return incarnation
    },
  }
}
