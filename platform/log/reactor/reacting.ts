import { catalogOf, decode } from '#events/kit/codec.ts'
import type { Recorded } from '#events/kit/envelope.ts'
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

/** How a reactor takes in the events of one topic. */
export function reacting(
  { name: consumer, reactions }: Reactor,
  topic: Topic,
  { onParked, ...options }: ReactingOptions,
): Pick<Follower, 'resume' | 'handle'> {
  const { db } = options
  const own = ownership(db, { consumer, topic: topic.name }, onParked)
  const effect = openEffect({ ...options, consumer })
  const catalog = catalogOf([...reactions.values()].map(({ type }) => type))

  /** @throws Unable when the event cannot be made sense of */
  const causedBy = (recorded: Recorded): Caused => {
    const reaction = reactions.get(recorded.type)
    if (!reaction) return { recorded, commands: [] }
    try {
      return { recorded, commands: reaction.react(decode(catalog, recorded) as never) }
    } catch (error) {
      throw new Unable(reason(error), { cause: error })
    }
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
        effect.apply([causedBy(recorded)], beside),
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
              await effect.apply(free.map(causedBy), advance(moves, parked)).catch(throwFenced)
              return parked
            }),
          refused: (recorded, error) =>
            own.commit([recorded], async (moves) => {
              const parked: Parked[] = [{ recorded, state: 'failed', cause: reason(error) }]
              await effect.apply([], advance(moves, parked)).catch(throwFenced)
              return parked
            }),
          isFault,
        })
    },
  }
}
