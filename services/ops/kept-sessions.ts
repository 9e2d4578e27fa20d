import type { Queryable } from '#platform/pg/pool.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import { ABSOLUTE_MS, type Keeper, type Kept } from './sessions.ts'

/** Sessions in the database, so that nobody has to sign in again after a restart of the server. */
export const keptSessions = (db: Queryable, log: Logger): Keeper & { read(): Promise<Kept[]>; idle(): Promise<void> } => {
  // Sessions in memory are authoritative, so no caller waits for the database. Writes run one after the other: a session must not
  // be saved again after it was deleted.
  let last: Promise<unknown> = Promise.resolve()
  const later = (name: string, text: string, values: unknown[]) => {
    last = last.then(() => db.query(name, text, values)).catch((error) => log.warn({ error }, 'sessions cannot be kept'))
  }
  return {
    read: () =>
      db.query<Kept>(
        'ops.sessions',
        `select digest, extract(epoch from begun_at)::float8 * 1000 as "begunAt", extract(epoch from used_at)::float8 * 1000 as "usedAt"
           from log.ops_sessions where begun_at > now() - make_interval(secs => $1)`,
        [ABSOLUTE_MS / 1000],
      ),
    keep: ({ digest, begunAt, usedAt }) =>
      later(
        'ops.keep-session',
        `insert into log.ops_sessions (digest, begun_at, used_at)
             values ($1, to_timestamp($2::float8 / 1000), to_timestamp($3::float8 / 1000))
             on conflict (digest) do update set used_at = excluded.used_at`,
        [digest, begunAt, usedAt],
      ),
    forget: (digests) => later('ops.forget-sessions', 'delete from log.ops_sessions where digest = any ($1)', [digests]),
    idle: () => last.then(() => {}),
  }
}
