import type { Command } from '#events/kit/command.ts'
import type { EventOf } from '#events/kit/envelope.ts'
import type { EventFrom, EventType, Topic } from '#events/kit/stream.ts'
import { reason } from '../cause.ts'
import { Unable } from './caused-commands.ts'

/** What a reactor does for events of one type. Methods, so that a reaction may name the type: it meets no others. */
export interface Reaction {
  type: EventType
  /** Looks up what `react` needs beside the event. An error makes the reactor pause and try again. */
  look?(event: EventOf): Promise<unknown>
  /** Returns the commands that the event causes. An error parks the event. */
  react(event: EventOf, found: unknown): Command[]
}

/**
 * A consumer whose effect is more events. Its commands decide on the streams that they read, so nothing is done twice when it sees
 * an event again, or history from the beginning (P7).
 */
export interface Reactor {
  /** Also the name of the consumer. */
  name: string
  /** Types of event that it handles; it skips all others, also unknown types. */
  types: readonly EventType[]
  topics: readonly Topic[]
  /**
   * The commands that each of these events causes, in order.
   * @throws Unable when retrying cannot help: the event that makes it fail is parked. After any other error it is called again
   */
  causes(events: readonly EventOf[]): Promise<Command[][]>
  /** How many calls of `causes` may run at a time: more than one when a call waits for the world outside. */
  ahead: number
  /** Most events per batch, if given. Between two batches no call is running. */
  batchSize?: number
}

/** Declares what to do when an event happens. Pure: the commands decide whether there is (still) anything to do. */
export const on = <E extends EventType>(type: E, react: (event: EventFrom<E>) => Command[]): Reaction => ({ type, react })

/** The same, after a lookup. Its result may be outdated when the commands are decided, so they decide on the streams themselves. */
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
    const found = await look?.(event)
    try {
      return react(event, found)
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
 * Declares a bridge: a consumer that sends events to the world outside, then records that it did. It sends an event twice after a
 * crash between the two, and may send a later event before an earlier one: the messages must allow for both.
 *
 * @param tell sends all these events together; throws and returns as `causes` of a reactor
 */
export const bridge = <const T extends readonly EventType[]>(
  name: string,
  types: T,
  tell: (events: readonly EventFrom<T[number]>[]) => Promise<Command[][]>,
): Reactor => ({ ...consumerOf(name, types, TOLD_AHEAD, tell as Reactor['causes']), batchSize: TOLD_BATCH })

/** While one portion is sent, the one before is recorded and the next one prepared. */
const TOLD_AHEAD = 3
const TOLD_BATCH = 10_000

const consumerOf = (name: string, types: readonly EventType[], ahead: number, causes: Reactor['causes']): Reactor => ({
  name,
  types,
  topics: [...new Set(types.map((type) => type.topic))],
  causes,
  ahead,
})
