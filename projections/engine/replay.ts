import { decode } from '#events/kit/codec.ts'
import type { EventOf, Recorded } from '#events/kit/envelope.ts'
import { reason } from '#platform/log/cause.ts'
import type { Positions, Reader } from '#platform/log/port.ts'
import { type SpanDetails, span } from '#platform/telemetry/tracing/tracing.ts'
import { changeOf, type Row } from './fold.ts'
import { ROW_BYTES, sizeOf } from './row-size.ts'
import { gone, type Id, type View } from './view.ts'

/** A replay met history that it cannot turn into rows. Live consumption parks such an event; a replay ends here. */
export class ReplayStopped extends Error {
  constructor(view: View, what: string, cause: unknown) {
    super(`view ${view.name} ${what}: ${reason(cause)}`, { cause })
    this.name = 'ReplayStopped'
  }
}

/** The error for an event that could not be applied. */
export const cannotApply = (view: View, { type, stream, version, pos }: Recorded, cause: unknown) =>
  new ReplayStopped(view, `cannot apply ${type} (${stream}@${version}, position ${pos})`, cause)

export interface Replay {
  view: View
  reader: Reader
  /** Last position to read in each partition. Partitions not named here are not read. */
  upTo: Positions
  /** Whether to skip this event. */
  leaveOut(recorded: Recorded): boolean
  /** Memory for rows, roughly, in bytes. */
  budgetBytes?: number
  /** Called with the number of events read since the last call. */
  onRead?(events: number): void
}

const BUDGET_BYTES = 48 * 2 ** 20

/**
 * Folds history into rows, from the first event on, and yields finished rows in portions. No side effects. Fails when the log lacks
 * events: the rows would silently be fewer.
 *
 * Memory stays within the budget, however long the log is. All events of a row are in one partition, so partitions are folded one
 * after the other and each event is read once. If the rows of one partition exceed the budget, the pass keeps only a slice of
 * them, by hash of their id, and further passes over the partition make the other slices.
 */
export async function* replay({
  view,
  reader,
  upTo,
  leaveOut,
  budgetBytes = BUDGET_BYTES,
  onRead,
}: Replay): AsyncGenerator<Iterable<Row>> {
  await reader.assertNoGaps?.()
  for (const [partition, last] of upTo) {
    const slices: Slice[] = [{ of: 1, nth: 0 }]
    for (let slice: Slice | undefined = slices.pop(), pass = 0; slice; slice = slices.pop(), pass++) {
      const rows = new Map<Id, Row>()
      let bytes = 0
      let at = 0
      for await (const batch of batches(reader, view.topic.name, partition, last)) {
        const current = slice
        span(
          () => folding(view, partition, batch),
          () => {
            for (const recorded of batch) {
              // A relay may publish an event twice.
              if (recorded.pos <= at || leaveOut(recorded)) continue
              at = recorded.pos
              bytes += applyTo(rows, view, recorded, current) ? ROW_BYTES + recorded.data.length : 0
            }
          },
        )
        if (pass === 0) onRead?.(batch.length)
        if (bytes <= budgetBytes) continue
        bytes = sizeOfAll(rows)
        while (bytes > budgetBytes / 2 && rows.size > 1) {
          slices.push({ of: slice.of * 2, nth: slice.nth + slice.of })
          slice = { of: slice.of * 2, nth: slice.nth }
          for (const id of rows.keys()) if (!inSlice(slice, id)) rows.delete(id)
          bytes = sizeOfAll(rows)
        }
      }
      yield rows.values()
    }
  }
}

/** One span per batch: one per event would make the trace of a whole history unreadable. */
const folding = (view: View, partition: number, batch: readonly Recorded[]): SpanDetails => ({
  name: `fold ${view.name}`,
  attributes: {
    'messaging.system': 'vidwiz',
    'messaging.destination.name': view.topic.name,
    'messaging.destination.partition.id': String(partition),
    'messaging.batch.message_count': batch.length,
    'vidwiz.last_position': batch.at(-1)!.pos,
  },
})

/** Applies an event if its row is in the slice. @returns whether a row changed */
function applyTo(rows: Map<Id, Row>, view: View, recorded: Recorded, slice: Slice): boolean {
  let event: EventOf
  let id: Id
  let after: Row | typeof gone | undefined
  try {
    event = decode(view.catalog, recorded)
    id = view.id(event)
    if (!inSlice(slice, id)) return false
    after = changeOf(view, rows.get(id), event)
    if (after === undefined) return false
  } catch (error) {
    throw cannotApply(view, recorded, error)
  }
  if (after === gone) rows.delete(id)
  else rows.set(id, after)
  return true
}

/** The rows whose hash modulo `of` is `nth`. */
interface Slice {
  of: number
  nth: number
}

const inSlice = ({ of, nth }: Slice, id: Id) => of === 1 || hash(String(id)) % of === nth

/** FNV-1a with a final mix, which spreads its weak low bits. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b)
  return (h ^ (h >>> 13)) >>> 0
}

function sizeOfAll(rows: ReadonlyMap<Id, Row>): number {
  let bytes = 0
  for (const row of rows.values()) bytes += sizeOf(row)
  return bytes
}

const BATCH = 2_000
const BATCH_BYTES = 4 * 2 ** 20

/** Reads a partition from the start, one batch ahead of the consumer. Batches shrink when events are large. */
async function* batches(reader: Reader, topic: string, partition: number, upTo: number): AsyncGenerator<Recorded[]> {
  let limit = 500
  const readFrom = (pos: number) => {
    const reading =
      pos < upTo ? reader.read({ topic, after: new Map([[partition, pos]]), upTo, limit, whole: true }) : Promise.resolve([])
    // Avoids unhandledRejection if this read-ahead is dropped.
    reading.catch(() => {})
    return reading
  }
  let next = readFrom(0)
  for (let batch = await next; batch.length > 0; batch = await next) {
    const bytes = batch.reduce((sum, { data }) => sum + data.length, 0)
    limit = Math.max(1, Math.min(BATCH, limit * 4, Math.floor((batch.length * BATCH_BYTES) / bytes)))
    next = readFrom(batch.at(-1)!.pos)
    yield batch
  }
}
