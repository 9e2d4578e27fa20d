import type { Command } from '#events/kit/command.ts'
import type { EventFrom, EventType, Topic } from '#events/kit/stream.ts'

/** What follows from events of one type. */
export interface Reaction {
  type: EventType
  react(event: never): Command[]
}

/**
 * A consumer whose effect is more events. Its state is what its commands read: so it may see an event again, or history from
 * the beginning, and what has been done already is not done twice (P7).
 */
export interface Reactor {
  /** Also the name of the consumer. */
  name: string
  /** By type of event; others are passed over, also those that nobody knows. */
  reactions: ReadonlyMap<string, Reaction>
  topics: readonly Topic[]
}

/** Says what to do when an event happens. Pure: whether there is (still) anything to do, the commands decide. */
export const on = <E extends EventType>(type: E, react: (event: EventFrom<E>) => Command[]): Reaction => ({ type, react })

/** Declares a reactor. */
export const reactor = (name: string, reactions: readonly Reaction[]): Reactor => ({
  name,
  reactions: new Map(reactions.map((reaction) => [reaction.type.type, reaction])),
  topics: [...new Set(reactions.map(({ type }) => type.topic))],
})
