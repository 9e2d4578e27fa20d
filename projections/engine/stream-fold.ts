import { PassThrough } from 'node:stream'
import type { Replayed } from '#events/kit/envelope.ts'
import { span } from '#platform/telemetry/tracing/tracing.ts'
import type { Row } from './fold.ts'
import { type Ended, foldInto, folding, type Replay } from './fold-history.ts'
import { leavesOut } from './left-out.ts'
import type { Id } from './view.ts'

/** The fold of one view over a history that comes stream after stream. Its methods never throw: an error ends this fold only, see `ended`. */
export interface StreamFold {
  /** Folds events. What it returns, if anything, is to be awaited before the next ones: finished rows wait to be taken. */
  apply(events: readonly Replayed[]): Promise<void> | undefined
  /** Hands over the rest. */
  finish(): Promise<void>
  /** Ends it with the error of the reader. */
  abort(error: unknown): Promise<void>
  /** The error that ended it, if one did. */
  ended(): Ended
}

/** Portions of rows that may wait to be taken. */
const MOST_WAITING = 2

export function openStreamFold({ view, upTo, leaveOut, onLeftOut, onRead, take }: Replay): StreamFold {
  const isLeftOut = leaveOut && leavesOut(leaveOut)
  const portions = new PassThrough({ objectMode: true, highWaterMark: MOST_WAITING })
  // An error of the stream is also one of `take`.
  portions.on('error', () => {})
  let goOn = () => {}
  portions.on('drain', () => goOn())
  let taken: Promise<void> | undefined
  /** The stream that the last event was of, and its rows. */
  let stream: string | undefined
  const rows = new Map<Id, Row>()
  let finished: Row[] = []
  let ended: Ended

  const end = (error: unknown) => {
    ended ??= { error }
    portions.destroy(error instanceof Error ? error : new Error(String(error)))
  }

  function foldAll(events: readonly Replayed[]) {
    let folded = 0
    for (const recorded of events) {
      const { topic, partition, pos } = recorded
      // Another view of this reading may fold further.
      if (pos > (upTo.get(partition) ?? 0)) continue
      folded++
      if (recorded.stream !== stream) {
        finishStream()
        stream = recorded.stream
      }
      if (isLeftOut?.(recorded)) onLeftOut?.({ topic, partition, pos })
      else foldInto(rows, view, recorded)
    }
    onRead?.(folded)
  }

  function finishStream() {
    if (rows.size === 0) return
    for (const row of rows.values()) finished.push(row)
    rows.clear()
  }

  async function takeAll() {
    await take(portions)
    if (!portions.readableEnded) throw new Error(`not all rows of ${view.name} were taken`)
  }

  /** @returns a promise when the next portion must wait */
  function handOver(): Promise<void> | undefined {
    if (ended) return undefined
    taken ??= takeAll()
      .catch(end)
      .finally(() => goOn())
    if (finished.length === 0) return undefined
    // Who takes the rows has failed, and will say so.
    if (portions.destroyed) return taken
    const portion = finished
    finished = []
    if (portions.write(portion)) return undefined
    return new Promise((resolve) => {
      goOn = resolve
    })
  }

  return {
    apply(events) {
      if (ended || events.length === 0) return undefined
      try {
        span(
          () => folding(view, events.length),
          () => foldAll(events),
        )
        return handOver()
      } catch (error) {
        end(error)
        return undefined
      }
    },
    async finish() {
      finishStream()
      await handOver()
      portions.end()
      await taken
    },
    async abort(error) {
      end(error)
      await taken
    },
    ended: () => ended,
  }
}
