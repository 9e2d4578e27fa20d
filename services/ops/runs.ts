import { type Ground, nameOf, redriveCommand, redriveRecorded } from '#services/operations/parked/acts.ts'
import type { Redriven, RedriveProgress } from '#services/operations/parked/redriving.ts'
import type { Selection } from '#services/operations/parked/stuck.ts'

/** A redrive that runs in the background. */
export interface Run {
  operation: string
  target: string
  command: string
  /** Milliseconds since the epoch. */
  startedAt: number
  endedAt: number | null
  progress: RedriveProgress | null
  result: Redriven | null
  /** Why it failed. */
  error: string | null
}

interface Running {
  run: Run
  aborter: AbortController
  ended: Promise<void>
}

/** Runs of this process, the newest last. The log of operations keeps their results permanently. */
const runs = new Map<string, Running>()
const MOST = 50

/**
 * Begins to redrive a selection.
 * @returns the run, as soon as it is recorded
 * @throws the error that prevented recording it: nothing was done then
 */
export function beginRun(ground: Ground, selection: Selection, reason?: string): Promise<Run> {
  const begun = Promise.withResolvers<Run>()
  const aborter = new AbortController()
  const run: Run = {
    operation: '',
    target: nameOf(selection),
    command: redriveCommand(selection, reason),
    startedAt: Date.now(),
    endedAt: null,
    progress: null,
    result: null,
    error: null,
  }
  const redriving = redriveRecorded(ground, selection, {
    reason,
    signal: aborter.signal,
    onStart(operation) {
      run.operation = operation
      runs.set(operation, { run, aborter, ended })
      begun.resolve(run)
    },
    onProgress: (progress) => Object.assign(run, { progress }),
  })
  const ended = redriving
    .then((result) => void Object.assign(run, { result }))
    .catch((error: Error) => {
      run.error = error.message
      begun.reject(error)
    })
    .finally(() => {
      run.endedAt = Date.now()
      forgetOld()
    })
  return begun.promise
}

function forgetOld() {
  for (const [operation, { run }] of runs) if (runs.size > MOST && run.endedAt !== null) runs.delete(operation)
}

export const runOf = (operation: string): Run | undefined => runs.get(operation)?.run
export const allRuns = (): Run[] => [...runs.values()].map(({ run }) => run).reverse()

/** Ends a run between two transactions. */
export const cancelRun = (operation: string): void => runs.get(operation)?.aborter.abort()

/** Cancels all runs and waits until they end. Call it before the connections close. */
export async function endRuns(): Promise<void> {
  for (const { aborter } of runs.values()) aborter.abort()
  await Promise.all([...runs.values()].map(({ ended }) => ended))
}
