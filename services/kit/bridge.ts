import type { Command } from '#events/kit/command.ts'
import type { EventFrom, EventType } from '#events/kit/stream.ts'
import type { Execute } from '#platform/log/executor.ts'
import { bridge, type Reactor } from '#platform/log/reactor/reactor.ts'
import type { Message, Post } from './post.ts'

/** Far more than can be in hand. */
const MOST_REMEMBERED = 10_000

/** What a bridge carries to queues. @typeParam E the events that it tells of; Q our names of the queues */
export interface Carrying<E, Q extends string> {
  execute: Execute
  post: Post<Q>
  /** Of some events those of which no queue has been told, and somebody still has to be. */
  unsent(events: readonly E[]): Promise<readonly E[]>
  message(event: E): Promise<Omit<Message<Q>, 'id'>> | Omit<Message<Q>, 'id'>
  /** Records that a queue has the message of an event; nothing if that is on record. */
  record(event: E, messageId: string): Command
}

/**
 * Declares a bridge: it hands messages to the queues of workers, and records that. What was sent already, or is not wanted any more,
 * is not sent: so a replay or a new consumer sends nothing (P7). A crash between sending and recording sends a message twice; workers
 * and deciders bear that.
 */
export function queueBridge<const T extends readonly EventType[], Q extends string>(
  name: string,
  types: T,
  { execute, post, unsent, message, record }: Carrying<EventFrom<T[number]>, Q>,
): Reactor {
  type E = EventFrom<T[number]>
  /** Message ids by event: what was sent but could not be recorded is not sent again. */
  const sent = new Map<string, string>()
  const remember = (id: string, messageId: string) => {
    sent.set(id, messageId)
    if (sent.size > MOST_REMEMBERED) sent.delete(sent.keys().next().value!)
  }

  const recorded = (event: E): Command[] => {
    const messageId = sent.get(event.id)
    return messageId === undefined ? [] : [record(event, messageId)]
  }

  /** A queue may be away for long: what was sent before it went is on record all the same. */
  const recordNow = (events: readonly E[]) =>
    Promise.allSettled(
      events.flatMap((event) => {
        const { id: causationId, correlationId, traceparent } = event
        return recorded(event).map((command) => execute(command, { actor: name, causationId, correlationId, traceparent }))
      }),
    )

  return bridge(name, types, async (events) => {
    const due = await unsent(events.filter(({ id }) => !sent.has(id)))
    const messages = await Promise.all(due.map(async (event) => ({ id: event.id, ...(await message(event)) })))
    try {
      await post(messages, remember)
    } catch (error) {
      await recordNow(events)
      throw error
    }
    return events.map(recorded)
  })
}
