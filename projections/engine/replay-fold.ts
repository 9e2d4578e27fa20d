import { payloadOf } from '#events/kit/codec.ts'
import type { Replayed } from '#events/kit/envelope.ts'
import type { Place, Positions } from '#platform/log/port.ts'
import { type SpanDetails, span } from '#platform/telemetry/tracing/tracing.ts'
import type { Row } from './fold.ts'
import { type LeftOut, leavesOut } from './left-out.ts'
import type { Pass } from './passes.ts'
import { cannotApply } from './replay-stopped.ts'
import { ROW_BYTES, sizeOf } from './row-size.ts'
import { inSlice, type Slice } from './slice.ts'
import { gone, type Id, type View } from './view.ts'

/** One view that is folded from a history. */
export interface Replay {
  view: View
  /** Last position to fold in each partition. Partitions not named here are not folded. */
  upTo: Positions
  /** How large its rows are likely to be, in bytes, if that is known. */
  expectedBytes?: number
  /** Events that are not folded. */
  leaveOut?: LeftOut | undefined
  /** Called with the place of each event that was left out, again in a further pass. */
  onLeftOut?: ((place: Place) => void) | undefined
  /** Called with the number of events folded since the last call. An error ends this view's replay. */
  onRead?: ((events: number) => void) | undefined
  /** Takes finished rows, in portions. An error ends this view's replay. */
  take(portions: Iterable<Iterable<Row>>): Promise<void>
}

/** The fold of one view in the passes over a history. Its methods never throw: an error ends this fold only, see `ended`. */
export interface ReplayFold {
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
  ended(): { error: unknown } | undefined
}

/** The rows of a partition, and the position of the last event that was folded into them. */
interface Folded {
  rows: Map<Id, Row>
  at: number
  upTo: number
}

export function openFold({ view, upTo, leaveOut, onLeftOut, onRead, take }: Replay): ReplayFold {
  const { catalog } = view
  const isLeftOut = leaveOut && leavesOut(leaveOut)
  /** By number of the partition. */
  let partitions: Folded[] = []
  let slice: Slice
  let bytes = 0
  let ended: { error: unknown } | undefined
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
    try {
      const event = { ...recorded, data: payloadOf(catalog, recorded) }
      const id = view.id(event)
      if (!inSlice(slice, id)) return
      const before = rows.get(id)
      const after = view.evolve(before, event)
      if (after === before || after === undefined) return
      if (after === gone) {
        rows.delete(id)
        return
      }
      rows.set(id, after)
      bytes += recorded.data.length + (before === undefined ? ROW_BYTES : 0)
    } catch (error) {
      throw cannotApply(view, recorded, error)
    }
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
          () => details(view, events),
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
        await take(portions(folded))
      } catch (error) {
        end(error)
      }
    },
    ended: () => ended,
  }
}

/** The rows of one partition after the other. Drops those of a partition once they are taken. */
function* portions(folded: Folded[]): Generator<Iterable<Row>> {
  for (let one = folded.shift(); one; one = folded.shift()) yield one.rows.values()
}

/** One span per batch: one per event would make the trace of a whole history unreadable. */
const details = (view: View, events: readonly Replayed[]): SpanDetails => ({
  name: `fold ${view.name}`,
  attributes: {
    'messaging.system': 'vidwiz',
    'messaging.destination.name': view.topic.name,
    'messaging.batch.message_count': events.length,
    'vidwiz.last_position': events.at(-1)!.pos,
  },
})
