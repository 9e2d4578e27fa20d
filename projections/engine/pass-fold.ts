import type { Replayed } from '#events/kit/envelope.ts'
import type { Positions } from '#platform/log/port.ts'
import { span } from '#platform/telemetry/tracing/tracing.ts'
import type { Row } from './fold.ts'
import { type Ended, foldInto, folding, type Replay } from './fold-history.ts'
import { leavesOut } from './left-out.ts'
import type { Pacer } from './pacer.ts'
import type { Pass } from './passes.ts'
import { ROW_BYTES, sizeOf } from './row-size.ts'
import { inSlice, type Slice } from './slice.ts'
import type { Id } from './view.ts'

/** The fold of one view in the passes over a history. Its methods never throw: an error ends this fold only, see `ended`. */
export interface PassFold {
  begin(pass: Pass): void
  /** Folds events, in order within each partition. Those that the pass does not fold have no effect. */
  apply(events: readonly Replayed[]): void
  /** Goes on with a part of the pass, and drops the rows of the others. */
  narrow(pass: Pass): void
  /** Rough size of the rows, in bytes: not too small, but it grows with each change of a row. */
  bytes(): number
  /** The same, measured. */
  measure(): number
  /** Number of rows. */
  size(): number
  /** The last event that the pass read in each partition. */
  positions(): Positions
  /** Share of the pass's events that it has read, roughly, above 0. */
  progress(): number
  /** Hands the rows of the pass over. The next pass may begin at once. */
  finish(): Promise<void>
  /** The error that ended it, if one did. */
  ended(): Ended
}

/** The rows of a partition, and the position of the last event that was folded into them. */
interface Folded {
  rows: Map<Id, Row>
  at: number
  upTo: number
}

/** @param pacer lets it pause after each portion of rows that it hands over */
export function openPassFold({ view, upTo, leaveOut, onLeftOut, onRead, take }: Replay, pacer: Pacer): PassFold {
  const isLeftOut = leaveOut && leavesOut(leaveOut)
  /** By number of the partition. */
  let partitions: Folded[] = []
  let slice: Slice
  let bytes = 0
  let ended: Ended
  const isWanted = (id: Id) => inSlice(slice, id)
  /** Up to here, in each partition, events were counted: a further pass over them does not count. */
  const counted: number[] = []

  const end = (error: unknown) => {
    ended ??= { error }
    partitions = []
    bytes = 0
  }

  function foldAll(events: readonly Replayed[]) {
    let news = 0
    for (const recorded of events) {
      const { partition, pos } = recorded
      const folded = partitions[partition]
      // A relay may publish an event twice.
      if (!folded || pos <= folded.at || pos > folded.upTo) continue
      folded.at = pos
      if (pos > (counted[partition] ?? 0)) {
        counted[partition] = pos
        news++
      }
      if (isLeftOut?.(recorded)) onLeftOut?.({ topic: view.topic.name, partition, pos })
      else foldOne(folded.rows, recorded)
    }
    onRead?.(news)
  }

  function foldOne(rows: Map<Id, Row>, recorded: Replayed) {
    const before = rows.size
    if (foldInto(rows, view, recorded, isWanted)) bytes += recorded.data.length + (rows.size > before ? ROW_BYTES : 0)
  }

  return {
    begin(pass) {
      if (ended) return
      slice = pass.slice
      bytes = 0
      partitions = []
      for (const partition of pass.partitions) partitions[partition] = { rows: new Map(), at: 0, upTo: upTo.get(partition) ?? 0 }
    },
    apply(events) {
      if (ended) return
      try {
        // Without events, only to find out whether it was cancelled.
        if (events.length === 0) return onRead?.(0)
        span(
          () => folding(view, events.length),
          () => foldAll(events),
        )
      } catch (error) {
        end(error)
      }
    },
    narrow(pass) {
      slice = pass.slice
      for (const [partition, folded] of partitions.entries()) {
        if (!folded) continue
        if (!pass.partitions.includes(partition)) delete partitions[partition]
        else for (const id of folded.rows.keys()) if (!inSlice(slice, id)) folded.rows.delete(id)
      }
    },
    bytes: () => bytes,
    measure() {
      bytes = 0
      for (const folded of partitions) if (folded) for (const row of folded.rows.values()) bytes += sizeOf(row)
      return bytes
    },
    size: () => partitions.reduce((sum, folded) => sum + (folded?.rows.size ?? 0), 0),
    positions: () => new Map(partitions.flatMap((folded, partition) => (folded ? [[partition, folded.at]] : []))),
    progress() {
      const shares = partitions.filter(Boolean).map(({ at, upTo }) => Math.min(1, at / Math.max(1, upTo)))
      return Math.max(0.001, shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length))
    },
    async finish() {
      if (ended) return
      try {
        const folded = partitions.filter(Boolean)
        partitions = []
        bytes = 0
        await take(portions(folded, pacer))
      } catch (error) {
        end(error)
      }
    },
    ended: () => ended,
  }
}

/** Rough size of the rows that are handed over without a pause, in bytes. */
const PORTION_BYTES = 128 * 1024

/** The rows of one partition after the other. Drops those of a partition once they are taken. */
async function* portions(folded: Folded[], pacer: Pacer): AsyncGenerator<Row[]> {
  const pause = pacer.pauses()
  for (let one = folded.shift(); one; one = folded.shift()) {
    let portion: Row[] = []
    let bytes = 0
    for (const row of one.rows.values()) {
      portion.push(row)
      bytes += sizeOf(row)
      if (bytes < PORTION_BYTES) continue
      yield portion
      await pause()
      portion = []
      bytes = 0
    }
    yield portion
    await pause()
  }
}
