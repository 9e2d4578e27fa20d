import { payloadOf } from '#events/kit/codec.ts'
import type { Replayed } from '#events/kit/envelope.ts'
import type { HistoryQuery, Place, Positions } from '#platform/log/port.ts'
import type { SpanDetails } from '#platform/telemetry/tracing/tracing.ts'
import type { Row } from './fold.ts'
import type { LeftOut } from './left-out.ts'
import { cannotApply } from './replay-stopped.ts'
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
  /** Takes all of the finished rows, in portions. Called once or several times, one after the other. An error ends this view's replay. */
  take(portions: AsyncIterable<readonly Row[]>): Promise<void>
}

/** The error that ended a replay, if one did. */
export type Ended = { error: unknown } | undefined

/** Thrown to end a reading early. */
export class Enough extends Error {}

/**
 * Folds one event of a history into the rows.
 *
 * @param isWanted tells which rows to fold; without it all
 * @returns whether a row was made or changed
 * @throws ReplayStopped for an event that cannot be applied
 */
export function foldInto(rows: Map<Id, Row>, view: View, recorded: Replayed, isWanted?: (id: Id) => boolean): boolean {
  try {
    const event = { ...recorded, data: payloadOf(view.catalog, recorded) }
    const id = view.id(event)
    if (isWanted && !isWanted(id)) return false
    const before = rows.get(id)
    const after = view.evolve(before, event)
    if (after === before || after === undefined) return false
    if (after === gone) {
      rows.delete(id)
      return false
    }
    rows.set(id, after)
    return true
  } catch (error) {
    throw cannotApply(view, recorded, error)
  }
}

/** One span per batch: one per event would make the trace of a whole history unreadable. */
export const folding = (view: View, events: number): SpanDetails => ({
  name: `fold ${view.name}`,
  attributes: {
    'messaging.system': 'vidwiz',
    'messaging.destination.name': view.topic.name,
    'messaging.batch.message_count': events,
  },
})

/** The history that all of them fold, from the first event on. */
export const historyOf = (replays: readonly Replay[]): Omit<HistoryQuery, 'after'> => ({
  topic: replays[0]!.view.topic.name,
  upTo: furthest(replays.map((one) => one.upTo)),
  uses: [...new Set(replays.flatMap(({ view }) => view.uses))],
})

/** The largest position of each partition. */
export function furthest(all: readonly Positions[]): Map<number, number> {
  const found = new Map<number, number>()
  for (const [partition, pos] of all.flatMap((one) => [...one])) found.set(partition, Math.max(pos, found.get(partition) ?? 0))
  return found
}
