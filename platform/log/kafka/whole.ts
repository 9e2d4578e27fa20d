import type { Queryable } from '#platform/pg/pool.ts'
import { OperatorError } from '../../operator-error.ts'
import type { Positions } from '../port.ts'
import { isUnpruned } from '../timeline.ts'
import { countInDatabase } from './offsets.ts'
import type { Tape } from './tape.ts'

/** Offsets per row of `log.offsets`: the offset of a position is known to within this many. */
export const RUN = 1_000

/** Kafka lost a part of the history that was published to it: a fold of the rest would be wrong. */
export class HistoryLost extends OperatorError {
  override name = 'HistoryLost'
}

/**
 * Lower bound of the events after a position that are gone from the beginning of a tape. The position's offset is known only to
 * within RUN, so up to RUN - 1 of the gone offsets may be before it. Gone events that the database still has are counted there.
 */
export async function lostBefore(
  db: Queryable,
  topic: string,
  { partition, pos, gone, ahead }: Tape<{ pos: number }>,
  from = pos,
): Promise<number> {
  if (gone === 0) return 0
  const seen = from === 0 ? 0 : RUN - 1
  const first = ahead[0]
  const inDatabase = first ? await countInDatabase(db, topic, partition, from, first.pos - 1) : 0
  return Math.max(0, gone - seen, inDatabase)
}

/**
 * Throws when Kafka lacks events after the positions of these tapes: at the beginning, in the middle or at the end. A topic has
 * every offset up to its head, because relays use no transactions, so a record that is not there was removed.
 * @param heads the last position published to each partition, read before the tapes were filled
 * @throws HistoryLost
 */
export async function assertWhole(
  db: Queryable,
  { topic, tapes, heads, upTo }: { topic: string; tapes: readonly Tape<{ pos: number }>[]; heads: Positions; upTo: number },
): Promise<void> {
  for (const tape of tapes) {
    const { partition, pos, missing } = tape
    const lost = missing + (await lostBefore(db, topic, tape))
    const head = heads.get(partition) ?? 0
    const endsEarly = tape.end && tape.ahead.length === 0 && pos < Math.min(head, upTo)
    if (lost === 0 && !endsEarly) continue
    const what =
      lost > 0
        ? `at least ${lost} ${lost === 1 ? 'event' : 'events'} beyond position ${pos} ${lost === 1 ? 'is' : 'are'} gone from it`
        : `it ends before position ${head}, which was published to it`
    const where = (await isUnpruned(db))
      ? `The database still has all events: run this without Kafka (KAFKA_BROKERS= before the command) to read them there`
      : `The database was pruned, so it does not have them either: bring the topic back from a copy`
    throw new HistoryLost(`Kafka does not have the whole history of ${topic}, partition ${partition}: ${what}. ${where}`)
  }
}
