import { Option } from 'commander'
import { giveWay } from '#platform/background.ts'
import { OperatorError } from '#platform/service.ts'
import { Cancelled, type Progress } from '#projections/engine/progress.ts'
import { RebuildRefused, SwapRefused } from '#projections/engine/rebuild.ts'
import { ReplayStopped } from '#projections/engine/replay-stopped.ts'
import { operate } from '#services/operations/operation.ts'
import { type Replay, type Results, runReplay } from '#services/operations/replays/replay.ts'
import type { Connection } from './connect.ts'
import { operating } from './operating.ts'

export interface Said {
  /** The typed command line, without `npx`. */
  command: string
  reason?: string | undefined
  onProgress?: ((progress: Progress) => void) | undefined
  fullSpeed?: boolean | undefined
}

/** For commands that replay. */
export const fullSpeedOption = (): Option =>
  new Option(
    '--full-speed',
    'normal priority and no pauses, also while people are served: for them everything may take longer meanwhile',
  )

/**
 * Runs a replay from the command line: recorded, visible to everybody, ended by Ctrl-C. Lowers the priority of
 * this process, unless it runs at full speed.
 * @throws OperatorError for expected errors
 */
export async function replayed<R extends Replay>(
  { db, reader, threads }: Connection,
  replay: R,
  { command, reason, onProgress, fullSpeed }: Said,
): Promise<Results[R['act']]> {
  if (!fullSpeed) await giveWay()
  const { execute, operator } = operating(db)
  const ending = new AbortController()
  const end = () => ending.abort()
  process.on('SIGINT', end).on('SIGTERM', end)
  try {
    return await operate(
      execute,
      operator,
      { act: replay.act, target: replay.view.name, command: `npx ${command}${fullSpeed ? ' --full-speed' : ''}`, reason },
      (operation) =>
        runReplay(operation, replay, {
          db,
          reader,
          threads,
          signal: ending.signal,
          fullSpeed,
          ...(onProgress && { onProgress }),
        }),
    )
  } catch (error) {
    if (error instanceof Cancelled) throw new OperatorError('cancelled: nothing has changed', { cause: error })
    const isExpected = [RebuildRefused, ReplayStopped, SwapRefused].some((kind) => error instanceof kind)
    throw isExpected ? new OperatorError((error as Error).message, { cause: error }) : error
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end)
  }
}
