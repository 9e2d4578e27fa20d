import type { Queryable } from '#platform/pg/pool.ts'
import type { Progress } from './progress.ts'

/** The purpose of a replay. */
export type ReplayAct = 'rebuild' | 'dry-run' | 'verify' | 'as-of'

/** A running or ended replay. Times in milliseconds since the epoch. */
export interface ReplayRow {
  /** Id of its operation. */
  id: string
  act: ReplayAct
  view: string
  /** Who started it: an operator, or the service that sets views up. */
  who: string
  phase: Progress['phase']
  events: number
  total: number
  rate: number
  etaMs: number | null
  /** Share of the time that it works. */
  pace: number
  startedAt: number
  beatAt: number
  endedAt: number | null
  /** Whether its cancellation was requested. */
  cancelled: boolean
  /** `done`, `failed` or `cancelled`; `cut off` when its process died; null while it runs. */
  outcome: string | null
  /** The full error text. */
  error: string | null
  /** The result of the work, as JSON. */
  result: unknown
}

/** A replay without an update for this many seconds counts as cut off: its process has died. */
const SILENT_S = 20
/** How long replays are kept, counted from their start. */
const KEEP = "interval '30 days'"

const READ = `id, act, view, who, phase, events, total, rate, eta_ms as "etaMs", pace, (extract(epoch from started_at) * 1000)::bigint as "startedAt",
  (extract(epoch from beat_at) * 1000)::bigint as "beatAt", (extract(epoch from ended_at) * 1000)::bigint as "endedAt", cancelled,
  case when outcome is null and beat_at < now() - interval '${SILENT_S} seconds' then 'cut off' else outcome end as outcome, error`

/** Records that a replay begins. */
export async function beginReplay(
  db: Queryable,
  { id, act, view, who }: Pick<ReplayRow, 'id' | 'act' | 'view' | 'who'>,
): Promise<void> {
  await db.query('replays.prune', `delete from log.replays where started_at < now() - ${KEEP}`)
  // The ops service records a replay before it starts the process for it, so that the replay is visible at once.
  await db.query(
    'replays.begin',
    'insert into log.replays (id, act, view, who) values ($1, $2, $3, $4) on conflict (id) do update set beat_at = now()',
    [id, act, view, who],
  )
}

/** Records progress. @returns whether the replay's cancellation was requested */
export async function tellReplay(
  db: Queryable,
  id: string,
  { phase, events, total, rate, etaMs, pace }: Pick<ReplayRow, 'phase' | 'events' | 'total' | 'rate' | 'etaMs' | 'pace'>,
): Promise<boolean> {
  const [row] = await db.query<{ cancelled: boolean }>(
    'replays.tell',
    `update log.replays set phase = $2, events = $3, total = $4, rate = $5, eta_ms = $6, pace = $7, beat_at = now() where id = $1 returning cancelled`,
    [id, phase, events, total, rate, etaMs, pace],
  )
  return row?.cancelled ?? false
}

export const endReplay = (
  db: Queryable,
  id: string,
  { outcome, error = null, result }: { outcome: string; error?: string | null; result?: unknown },
) =>
  db.query(
    'replays.end',
    `update log.replays set ended_at = now(), beat_at = now(), outcome = $2, error = $3, result = $4, phase = case when $2 = 'done' then 'done' else phase end
      where id = $1`,
    [id, outcome, error, result === undefined ? null : JSON.stringify(result)],
  )

/** The name under which the projector sets views up. Such a replay cannot be cancelled: without it nobody could read the view. */
export const PROJECTOR = 'service:projector'

/**
 * Requests the cancellation of a replay, which ends between two steps. A replay that is swapping just then still completes; its
 * row then has both `cancelled` and the outcome `done`.
 *
 * @returns false when no replay with that id runs, or it may not be cancelled
 */
export async function cancelReplay(db: Queryable, id: string): Promise<boolean> {
  const rows = await db.query(
    'replays.cancel',
    `update log.replays set cancelled = true
      where id = $1 and ended_at is null and who <> $2 and beat_at > now() - interval '${SILENT_S} seconds'
      returning id`,
    [id, PROJECTOR],
  )
  return rows.length > 0
}

export async function replayById(db: Queryable, id: string): Promise<ReplayRow | undefined> {
  const [row] = await db.query<ReplayRow & { result: string | null }>(
    'replays.byId',
    `select ${READ}, result from log.replays where id = $1`,
    [id],
  )
  return row && { ...row, result: row.result === null ? null : JSON.parse(row.result) }
}

/** Replays, the newest first, without their results. @param view only of this view, @param act only of this kind */
export const replaysOf = (
  db: Queryable,
  { view = null, act = null, limit }: { view?: string | null | undefined; act?: ReplayAct | null | undefined; limit: number },
): Promise<ReplayRow[]> =>
  db.query<ReplayRow>(
    'replays.of',
    `select ${READ}, null as result from log.replays where ($1::text is null or view = $1) and ($2::text is null or act = $2) order by started_at desc limit $3`,
    [view, act, limit],
  )
