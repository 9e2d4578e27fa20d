import type { Db } from '#platform/pg/pool.ts'
import { Cancelled, type Progress } from './progress.ts'
import { beginReplay, endReplay, type ReplayRow, tellReplay } from './replays.ts'

/** Records the progress of a replay in `log.replays`, where every process can see it. */
export interface Telling {
  /** Aborted when the replay's cancellation is requested. */
  signal: AbortSignal
  onProgress(progress: Progress): void
  done(outcome: string, result: unknown): Promise<void>
  /** Records the full error. Never throws. */
  failed(error: unknown): Promise<void>
}

/** Interval of updates; a new phase is recorded at once. */
const TELL_MS = 500

/** Records the beginning of a replay, and from then on its progress. Call `done` or `failed` at the end. */
export async function telling(db: Db, replay: Pick<ReplayRow, 'id' | 'act' | 'view' | 'who'>): Promise<Telling> {
  const { id } = replay
  await beginReplay(db, replay)
  const ending = new AbortController()
  let newest: Progress = { phase: 'read', events: 0, total: 0, rate: 0, etaMs: 0, pace: 1 }
  // Updates run one after the other. A failed one is made up for by the next.
  let last = Promise.resolve()
  const tell = () => {
    last = last
      .then(async () => {
        if (await tellReplay(db, id, { ...newest, etaMs: newest.rate > 0 ? newest.etaMs : null })) ending.abort()
      })
      .catch(() => {})
    return last
  }
  // The replay may have been cancelled before it began.
  await tell()
  const timer = setInterval(tell, TELL_MS)
  const stop = () => {
    clearInterval(timer)
    return last
  }
  return {
    signal: ending.signal,
    onProgress(progress) {
      const isNew = progress.phase !== newest.phase
      newest = progress
      if (isNew) void tell()
    },
    async done(outcome, result) {
      await stop()
      await tell()
      await endReplay(db, id, { outcome, result })
    },
    async failed(error) {
      await stop()
      const outcome = error instanceof Cancelled ? 'cancelled' : 'failed'
      await endReplay(db, id, { outcome, error: fullOf(error) }).catch(() => {})
    },
  }
}

/** The error text with all its causes. */
function fullOf(error: unknown): string {
  const { stack, message, cause } = error as Error
  const text = stack ?? message ?? String(error)
  return cause instanceof Error ? `${text}\ncaused by ${fullOf(cause)}` : text
}
