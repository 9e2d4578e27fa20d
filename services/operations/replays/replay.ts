import { appendFile, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Comparison, compare, type Difference, isClean } from '#projections/engine/compare.ts'
import type { Progress } from '#projections/engine/progress.ts'
import { type Rebuilt, rebuild, type Shared } from '#projections/engine/rebuild.ts'
import { telling } from '#projections/engine/telling.ts'
import type { View } from '#projections/engine/view.ts'
import type { Done } from '../operation.ts'
import type { Ground } from './ground.ts'
import { makePast, type PastView } from './past.ts'

/** A replay to run. */
export type Replay =
  | {
      act: 'rebuild'
      view: View
      by: string
      /** As in `RebuildOptions`. */
      downTo?: number | undefined
      shared?: Shared | undefined
    }
  | {
      act: 'dry-run' | 'verify'
      view: View
      by: string
      /** Maximum number of differing rows to show. */
      limit?: number
      /** A file that gets all differing rows, as lines of JSON. */
      differencesTo?: string | undefined
    }
  | { act: 'as-of'; view: View; pos: number; at?: number | undefined; by: string }

export type Results = { rebuild: Rebuilt; 'dry-run': Comparison; verify: Comparison; 'as-of': PastView }

/**
 * Runs a replay as an operation: everybody can see its progress and end it.
 * @param id of the operation
 * @throws the replay's error, after recording it; Cancelled when somebody ended it: then nothing has changed
 */
export async function runReplay<R extends Replay>(id: string, replay: R, ground: Ground): Promise<Done<Results[R['act']]>> {
  const told = await telling(ground.db, { id, act: replay.act, view: replay.view.name, who: replay.by })
  const signal = ground.signal ? AbortSignal.any([ground.signal, told.signal]) : told.signal
  const onProgress = (progress: Progress) => {
    told.onProgress(progress)
    ground.onProgress?.(progress)
  }
  try {
    const done = (await work(replay, { ...ground, signal, onProgress })) as Done<Results[R['act']]>
    await told.done(done.outcome ?? 'done', done.result)
    return done
  } catch (error) {
    await told.failed(error)
    throw error
  }
}

async function work(replay: Replay, ground: Ground): Promise<Done<unknown>> {
  switch (replay.act) {
    case 'rebuild': {
      const result = (await rebuild(replay.view, { ...ground, ...replay.shared, downTo: replay.downTo }))!
      return { result, summary: summaryOf({ act: 'rebuild', result }) }
    }
    case 'as-of': {
      const result = await makePast(replay, ground)
      return { result, summary: summaryOf({ act: 'as-of', result }) }
    }
    default: {
      const file = replay.differencesTo === undefined ? undefined : await differencesFile(replay.differencesTo)
      const result = await compare(replay.view, {
        ...ground,
        ...(replay.limit !== undefined && { limit: replay.limit }),
        ...(file && { onDifferences: file }),
      })
      return { result, summary: summaryOf({ act: replay.act, result }) }
    }
  }
}

export type ReplayOutcome = { [A in keyof Results]: { act: A; result: Results[A] } }[keyof Results]

/** The outcome of a replay in a sentence. */
export function summaryOf(done: ReplayOutcome): string {
  switch (done.act) {
    case 'rebuild':
      return rebuiltText(done.result)
    case 'as-of':
      return `${number(done.result.rows)} rows as of position ${done.result.pos}, kept as ${done.result.id}`
    default:
      return comparedText(done.result)
  }
}

async function differencesFile(path: string): Promise<(rows: Difference[]) => Promise<void>> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  // It holds users' data, so only the file's owner may read it.
  await (await open(path, 'w', 0o600)).close()
  return (rows) => appendFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
}

const number = (n: number) => n.toLocaleString('en')

export const rebuiltText = ({ rows, events, tookMs, parked }: Rebuilt): string =>
  `rebuilt ${number(rows)} rows from ${number(events)} events in ${(tookMs / 1000).toFixed(1)} s${parked > 0 ? `; ${number(parked)} events stay parked` : ''}`

export const comparedText = (comparison: Comparison): string =>
  isClean(comparison)
    ? `${number(comparison.live)} rows, equal to their replay`
    : `${number(comparison.missing)} rows added, ${number(comparison.different)} changed, ${number(comparison.extra)} removed by a replay`
