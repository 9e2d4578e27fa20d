import { PassThrough } from 'node:stream'
import type { Worker } from 'node:worker_threads'
import type { Ended } from '../fold-history.ts'
import type { Group } from '../groups.ts'
import type { Load } from '../lines.ts'
import type { View } from '../view.ts'
import { carried } from './carried-error.ts'
import type { Answer, Part, Told } from './messages.ts'

/** Threads that fold the partitions of a topic side by side. */
export interface Threads {
  /** How many a replay may start. */
  count: number
  /** From this number of events on a replay starts them: they need a moment to start. */
  worthFrom: number
  /** The views that a thread knows. */
  views: readonly View[]
  /** Starts a thread that reads the same log and runs `foldPart`. */
  start(part: Part): Worker
}

/**
 * Memory for the rows of one thread, roughly. Not a share of a common budget: with less memory more passes read the same events again,
 * and the threads would gain nothing.
 */
const BUDGET_BYTES = 32 * 2 ** 20

/**
 * Loads views from a history, each group of partitions in a thread of its own. The lines of all threads go into one COPY for each view.
 *
 * @returns for each load, in order, the error that ended it, if one did
 * @throws every error of a reader, and of a thread that ends before it is done: then no load is complete
 */
export async function loadInThreads(
  threads: Pick<Threads, 'start'>,
  groups: readonly Group[],
  loads: readonly Load[],
  isPaced: boolean,
): Promise<Ended[]> {
  const ended: Ended[] = loads.map(() => undefined)
  // An error of a stream is also one of `take`.
  const lines = loads.map(() => new PassThrough({ objectMode: true, highWaterMark: 1 }).on('error', () => {}))
  const workers: Worker[] = []
  const stopAll = () => Promise.all(workers.map((worker) => worker.terminate()))
  const isOver = () => ended.every(Boolean)

  const end = (nth: number, error: unknown) => {
    ended[nth] ??= { error }
    lines[nth]!.destroy(error instanceof Error ? error : new Error(String(error)))
    for (const worker of workers) worker.postMessage({ what: 'stop', nth } satisfies Answer)
    if (isOver()) void stopAll()
  }

  /** An error of `work` ends this load. */
  const onBehalfOf = (nth: number, work: (load: Load) => void) => {
    if (ended[nth]) return
    try {
      work(loads[nth]!)
    } catch (error) {
      end(nth, error)
    }
  }

  const run = (group: Group) =>
    new Promise<void>((resolve, reject) => {
      const worker = threads.start(partOf(group))
      workers.push(worker)
      let isDone = false
      worker.on('message', (told: Told) => {
        switch (told.what) {
          case 'read':
            return onBehalfOf(told.nth, (load) => load.onRead?.(told.events))
          case 'left out':
            return onBehalfOf(told.nth, (load) => load.onLeftOut?.(told.place))
          case 'lines':
            return onBehalfOf(told.nth, (load) => {
              // Throws when the load was cancelled.
              load.onRead?.(0)
              lines[told.nth]!.write(told.lines, () => worker.postMessage({ what: 'taken', nth: told.nth } satisfies Answer))
            })
          case 'ended':
            for (const [nth, error] of told.errors.entries()) if (error) end(nth, carried(error))
            isDone = true
            // It would still close its connections. A database that does not answer would hold that up.
            return void worker.terminate()
          default:
            return reject(carried(told.error))
        }
      })
      worker.on('error', reject)
      worker.on('exit', () =>
        isDone || isOver() ? resolve() : reject(new Error('a thread of the replay ended before it was done')),
      )
    })

  const total = groups.reduce((sum, { events }) => sum + events, 0)
  const partOf = ({ partitions, events }: Group): Part => ({
    replays: loads.map(({ view, upTo, expectedBytes = 0, leaveOut }) => ({
      view: view.name,
      upTo: new Map([...upTo].filter(([partition]) => partitions.includes(partition))),
      expectedBytes: (expectedBytes * events) / total,
      leaveOut,
    })),
    budgetBytes: BUDGET_BYTES,
    isPaced,
  })

  const taken = loads.map((load, nth) => load.take(lines[nth]!).catch((error) => end(nth, error)))
  try {
    await Promise.all(groups.map(run))
    for (const one of lines) one.end()
  } catch (error) {
    loads.forEach((_, nth) => {
      end(nth, error)
    })
    throw error
  } finally {
    await Promise.all([...taken, isOver() && stopAll()])
  }
  return ended
}
