import { catalogOf, decode } from '#events/kit/codec.ts'
import type { EventOf, Recorded } from '#events/kit/envelope.ts'
import type { Topic } from '#events/kit/stream.ts'
import { reason } from '../cause.ts'
import { bisect } from '../consumers/bisect.ts'
import { type Move, ownership, throwFenced } from '../consumers/ownership.ts'
import { failed, insertLetters, lettersOf, type Parked, waiting } from '../consumers/parked.ts'
import { redriveDue } from '../consumers/redrive.ts'
import { leaveToNewerCode } from '../newer-code.ts'
import type { Follower } from '../port.ts'
import type { ExtraSql } from '../postgres/appender.ts'
import { type Caused, type CausedCommandsOptions, isFault, openCausedCommands, Unable } from './caused-commands.ts'
import type { Reactor } from './reactor.ts'

export interface ReactingOptions extends Omit<CausedCommandsOptions, 'consumer'> {
  /** Called with each event that was parked, after the commit. */
  onParked?(parked: Parked): void
  /** Id of the process, for monitoring. */
  owner?: string | undefined
}

const ADVANCE = `
  parked as (${insertLetters('$4')}),
  extra as materialized (select log.move_checkpoints($1, $2, $3)::text is not null as done)`

/** Most events whose commands are decided together: all states they read are in memory at once. */
const PORTION = 200
/** Most commands whose events are appended together, because an append blocks all others. A single event may cause more. */
const MOST_COMMANDS = 2_000

/** The events cause too many commands for one append; makes `bisect` try fewer events. */
class TooMuch extends Error {}

/** Makes a reactor handle the events of one topic. */
export function reacting(
  { name: consumer, types, causes, ahead }: Reactor,
  topic: Topic,
  { onParked, owner, ...options }: ReactingOptions,
): Pick<Follower, 'resume' | 'handle'> {
  const { db } = options
  const own = ownership(db, { consumer, topic: topic.name, owner }, onParked)
  const causedCommands = openCausedCommands({ ...options, consumer })
  const catalog = catalogOf(types)

  /** @throws Unable when the event cannot be decoded */
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

  const advance = (moves: Move[], parked: Parked[]): ExtraSql => ({
    name: 'reactor.advance',
    text: ADVANCE,
    values: [consumer, topic.name, JSON.stringify(moves), lettersOf(parked)],
  })

  return {
    async resume(partitions) {
      const positions = await own.resume(partitions)
      // Redrive as owner, before any later event is handled. That changes which streams are parked, so load them again.
      const apply = async (recorded: Recorded, extra: ExtraSql) => causedCommands.apply(await causedBy([recorded]), extra)
      const hasRedriven = await redriveDue(db, { consumer, topic: topic.name, partitions }, { apply, isFault })
      return hasRedriven ? own.resume(partitions) : positions
    },
    async handle(batch) {
      const portions = inPortions(own.beyond(batch))
      const isFree = (recorded: Recorded) => !own.isStuck(recorded)
      /** What the portions cause, computed ahead. */
      const asked: Promise<Caused[]>[] = []
      const ask = () => {
        const portion = portions[asked.length]
        if (!portion) return
        const asking = causedBy(portion.filter(isFree))
        // Avoids unhandledRejection if an earlier portion fails and this one is dropped.
        asking.catch(() => {})
        asked.push(asking)
      }
      try {
        for (let n = 0; n < ahead; n++) ask()
        for (const [n, portion] of portions.entries()) {
          await bisect(portion, {
            attempt: (some) =>
              own.commit(some, async (moves) => {
                const caused = some === portion ? await asked[n]! : await causedBy(some.filter(isFree))
                const parked = some.filter(own.isStuck).map(waiting)
                // Streams may have been parked since this portion was computed.
                const free = caused.filter(({ recorded }) => isFree(recorded))
                const commands = free.reduce((sum, { commands }) => sum + commands.length, 0)
                if (commands > MOST_COMMANDS && some.length > 1) throw new TooMuch()
                await causedCommands.apply(free, advance(moves, parked)).catch(throwFenced)
                return parked
              }),
            refused: async (recorded, error) => {
              await leaveToNewerCode(db, consumer, error)
              await own.commit([recorded], async (moves) => {
                const parked = [failed(recorded, error)]
                await causedCommands.apply([], advance(moves, parked)).catch(throwFenced)
                return parked
              })
            },
            isFault: (error) => error instanceof TooMuch || isFault(error),
          })
          ask()
        }
      } finally {
        // When `handle` fails, none of its calls may still be running.
        await Promise.allSettled(asked)
      }
    },
  }
}

const inPortions = (events: Recorded[]): Recorded[][] =>
  Array.from({ length: Math.ceil(events.length / PORTION) }, (_, i) => events.slice(i * PORTION, (i + 1) * PORTION))
