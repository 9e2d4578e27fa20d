import type { Command } from '#events/kit/command.ts'
import type { EventOf } from '#events/kit/envelope.ts'
import type { EventFrom, EventType, Topic } from '#events/kit/stream.ts'
import { reason } from '../parked.ts'
import { Unable } from './effect.ts'

/** What follows from events of one type. */
export interface Reaction {
  type: EventType
  /** What else there is to know. What it throws makes the reactor pause and try again. */
  look?(event: never): Promise<unknown>
  /** What it throws parks the event. */
  react(event: never, found: never): Command[]
}

/**
 * A consumer whose effect is more events. Its state is what its commands read: so it may see an event again, or history from
 * the beginning, and what has been done already is not done twice (P7).
 */
export interface Reactor {
  /** Also the name of the consumer. */
  name: string
  /** Types of event that matter to it; others are passed over, also those that nobody knows. */
  types: readonly EventType[]
  topics: readonly Topic[]
  /**
   * What follows from events of these types: the commands of each, in order.
   * @throws Unable when trying again cannot help: an event that is guilty of that is parked. Anything else: to be tried again
   */
  causes(events: readonly EventOf[]): Promise<Command[][]>
  /** How many portions of events it is asked about at a time: more than one when asking means waiting for the world outside. */
  ahead: number
  /** Most events that it takes up together, if given: between two such batches nothing is under way. */
  batchSize?: number
}

/** Says what to do when an event happens. Pure: whether there is (still) anything to do, the commands decide. */
export const on = <E extends EventType>(type: E, react: (event: EventFrom<E>) => Command[]): Reaction => ({ type, react })

/** The same, after a look around: what is found may be old by the time the commands are decided, so they decide on the streams themselves. */
export const onLooking = <E extends EventType, F>(
  type: E,
  look: (event: EventFrom<E>) => Promise<F>,
  react: (event: EventFrom<E>, found: F) => Command[],
): Reaction => ({ type, look, react })

/** Declares a reactor. */
export function reactor(name: string, reactions: readonly Reaction[]): Reactor {
  const byType = new Map(reactions.map((reaction) => [reaction.type.type, reaction]))
  const commandsOf = async (event: EventOf): Promise<Command[]> => {
    const { look, react } = byType.get(event.type)!
    const found = await look?.(event as never)
    try {
      return react(event as never, found as never)
    } catch (error) {
      throw new Unable(reason(error), { cause: error })
    }
  }
  return consumerOf(
    name,
    [...byType.values()].map(({ type }) => type),
    1,
    async (events) => {
      const causes: Command[][] = []
      for (const event of events) causes.push(await commandsOf(event))
      return causes
    },
  )
}

/**
 * Declares a bridge: a consumer that tells the world outside of events, then records that it did. It may tell the same twice, after
 * a crash between the two, and what comes later before what comes earlier: what it tells must bear that.
 *
 * @param tell tells of all events together; throws and returns as `causes` of a reactor
 */
export const bridge = <const T extends readonly EventType[]>(
  name: string,
  types: T,
  tell: (events: readonly EventFrom<T[number]>[]) => Promise<Command[][]>,
): Reactor => ({ ...consumerOf(name, types, TOLD_AHEAD, tell as Reactor['causes']), batchSize: TOLD_BATCH })

/** While one portion is told, what was told of the one before is recorded, and the next one is made ready. */
const TOLD_AHEAD = 3
const TOLD_BATCH = 10_000

const consumerOf = (name: string, types: readonly EventType[], ahead: number, causes: Reactor['causes']): Reactor => ({
  name,
  types,
  topics: [...new Set(types.map((type) => type.topic))],
  causes,
  ahead,
})
