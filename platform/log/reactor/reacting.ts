import { catalogOf, decode } from '#events/kit/codec.ts'
import type { EventOf, Recorded } from '#events/kit/envelope.ts'
import type { Topic } from '#events/kit/stream.ts'
import { type Move, ownership, throwFenced } from '../ownership.ts'
import { insertLetters, lettersOf, type Parked, reason } from '../parked.ts'
import type { Follower } from '../port.ts'
import type { Beside } from '../postgres/appender.ts'
import { sift } from '../sift.ts'
import { type Caused, type EffectOptions, isFault, openEffect, Unable } from './effect.ts'
import type { Reactor } from './reactor.ts'
import { redriveDue } from './redrive.ts'

export interface ReactingOptions extends Omit<EffectOptions, 'consumer'> {
  /** Told of each event that had to be parked, after the fact. */
  onParked?(parked: Parked): void
}

const ADVANCE = `
  parked as (${insertLetters('$4')}),
  beside as materialized (select log.move_checkpoints($1, $2, $3)::text is not null as done)`

/** Events whose commands are decided together: their states are in memory at once. */
const PORTION = 200
/** Commands whose events are appended together: while they are, nobody else can append. A single event may cause more. */
const MOST_COMMANDS = 2_000

/** Fewer events at a time will do. */
class TooMuch extends Error {}

/** How a reactor takes in the events of one topic. */
export function reacting(
  { name: consumer, types, causes }: Reactor,
  topic: Topic,
  { onParked, ...options }: ReactingOptions,
): Pick<Follower, 'resume' | 'handle'> {
  const { db } = options
  const own = ownership(db, { consumer, topic: topic.name }, onParked)
  const effect = openEffect({ ...options, consumer })
  const catalog = catalogOf(types)

  /** @throws Unable when an event cannot be made sense of */
  const read = (recorded: Recorded): EventOf => {
    try {
      return decode(catalog, recorded)
    } catch (error) {
      throw new Unable(reason(error), { cause: error })
    }
  }

  const causedBy = async (events: readonly Recorded[]): Promise<Caused[]> => {
    const known = events.filter(({ type }) => catalog.has(type))
    const commands = await causes(known.map(read))
    return known.map((recorded, i) => ({ recorded, commands: commands[i]! }))
  }

  const advance = (moves: Move[], parked: Parked[]): Beside => ({
    name: 'reactor.advance',
    text: ADVANCE,
    values: [consumer, topic.name, JSON.stringify(moves), lettersOf(parked)],
  })

  return {
    async resume(partitions) {
      const positions = await own.resume(partitions)
      // As owner, before anything that comes after them; then what is stuck has changed.
      const hasRedriven = await redriveDue(db, { consumer, topic: topic.name, partitions }, async (recorded, beside) =>
        effect.apply(await causedBy([recorded]), beside),
      )
      return hasRedriven ? own.resume(partitions) : positions
    },
    async handle(batch) {
      const fresh = own.beyond(batch)
      for (let from = 0; from < fresh.length; from += PORTION)
        await sift(fresh.slice(from, from + PORTION), {
          attempt: (some) =>
            own.commit(some, async (moves) => {
              const { waiting = [], free = [] } = Object.groupBy(some, (event) => (own.isStuck(event) ? 'waiting' : 'free'))
              const parked = waiting.map((recorded): Parked => ({ recorded, state: 'waiting', cause: null }))
              const caused = await causedBy(free)
              const commands = caused.reduce((sum, { commands }) => sum + commands.length, 0)
              if (commands > MOST_COMMANDS && some.length > 1) throw new TooMuch()
              await effect.apply(caused, advance(moves, parked)).catch(throwFenced)
              return parked
            }),
          refused: (recorded, error) =>
            own.commit([recorded], async (moves) => {
              const parked: Parked[] = [{ recorded, state: 'failed', cause: reason(error) }]
              await effect.apply([], advance(moves, parked)).catch(throwFenced)
              return parked
            }),
          isFault: (error) => error instanceof TooMuch || isFault(error),
        })
    },
  }
}
