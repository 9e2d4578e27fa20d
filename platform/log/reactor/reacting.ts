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
  /** Told whenever something was handled. */
  onProgress?(): void
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
  { name: consumer, types, causes, ahead }: Reactor,
  topic: Topic,
  { onParked, onProgress, ...options }: ReactingOptions,
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
      const portions = inPortions(own.beyond(batch))
      const isFree = (recorded: Recorded) => !own.isStuck(recorded)
      /** What follows from the portions, asked in advance. */
      const asked: Promise<Caused[]>[] = []
      const ask = () => {
        const portion = portions[asked.length]
        if (!portion) return
        const asking = causedBy(portion.filter(isFree))
        // Whoever comes to it sees the error; nobody may, after one before it.
        asking.catch(() => {})
        asked.push(asking)
      }
      try {
        for (let n = 0; n < ahead; n++) ask()
        for (const [n, portion] of portions.entries()) {
          await sift(portion, {
            attempt: (some) =>
              own.commit(some, async (moves) => {
                const caused = some === portion ? await asked[n]! : await causedBy(some.filter(isFree))
                const parked = some.filter(own.isStuck).map((recorded): Parked => ({ recorded, state: 'waiting', cause: null }))
                // One that was asked about in advance may have come to be stuck since.
                const free = caused.filter(({ recorded }) => isFree(recorded))
                const commands = free.reduce((sum, { commands }) => sum + commands.length, 0)
                if (commands > MOST_COMMANDS && some.length > 1) throw new TooMuch()
                await effect.apply(free, advance(moves, parked)).catch(throwFenced)
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
          onProgress?.()
          ask()
        }
      } finally {
        // Nothing is under way any more when this one has failed.
        await Promise.allSettled(asked)
      }
    },
  }
}

const inPortions = (events: Recorded[]): Recorded[][] =>
  Array.from({ length: Math.ceil(events.length / PORTION) }, (_, i) => events.slice(i * PORTION, (i + 1) * PORTION))
