import type { Command } from '#events/kit/command.ts'
import type { EventFrom, EventType } from '#events/kit/stream.ts'
import type { Execute } from '#platform/log/commands/executor.ts'
import { bridge, type Reactor } from '#platform/log/reactor/reactor.ts'
import { span } from '#platform/telemetry/tracing/tracing.ts'
import type { Message, Post } from './post.ts'

/** Far more messages than can be sent and not yet recorded. */
const MOST_REMEMBERED = 10_000

/** The parts of a bridge to queues. @typeParam E its events; Q our names of the queues */
export interface Carrying<E, Q extends string> {
  execute: Execute
  post: Post<Q>
  /** Those of the events whose message is still to be sent. */
  unsent(events: readonly E[]): Promise<readonly E[]>
  message(event: E): Promise<Omit<Message<Q>, 'id'>> | Omit<Message<Q>, 'id'>
  /** Records that a queue has the message of an event; does nothing if that is recorded already. */
  record(event: E, messageId: string): Command
}

/**
 * Declares a bridge: it sends messages to the workers' queues, and records that. It skips messages that were sent or are not wanted
 * any more, so a replay or a new consumer sends nothing (P7). A crash between sending and recording sends a message twice; workers
 * and deciders tolerate that.
 */
export function queueBridge<const T extends readonly EventType[], Q extends string>(
  name: string,
  types: T,
  { execute, post, unsent, message, record }: Carrying<EventFrom<T[number]>, Q>,
): Reactor {
  type E = EventFrom<T[number]>
  /** Message ids by event: messages sent but not yet recorded, which must not be sent again. */
  const sent = new Map<string, string>()
  const remember = (id: string, messageId: string) => {
    sent.set(id, messageId)
    if (sent.size > MOST_REMEMBERED) sent.delete(sent.keys().next().value!)
  }

  const recorded = (event: E): Command[] => {
    const messageId = sent.get(event.id)
    return messageId === undefined ? [] : [record(event, messageId)]
  }

  /** After a failure, records what was sent before: the queue may stay unreachable for long. */
  const recordNow = (events: readonly E[]) =>
    Promise.allSettled(
      events.flatMap((event) => {
        const { id: causationId, correlationId, traceparent } = event
        return recorded(event).map((command) => execute(command, { actor: name, causationId, correlationId, traceparent }))
      }),
    )

  async function tell(events: readonly E[]): Promise<Command[][]> {
    const due = await unsent(events.filter(({ id }) => !sent.has(id)))
    const messages = await Promise.all(due.map(async (event) => ({ id: event.id, ...(await message(event)) })))
    try {
      await post(messages, remember)
    } catch (error) {
      await recordNow(events)
      throw error
    }
    return events.map(recorded)
  }

  return bridge(name, types, (events) =>
    span(
      () => ({
        name: `bridge ${name}`,
        attributes: { 'messaging.system': 'aws_sqs', 'messaging.batch.message_count': events.length },
      }),
      () => tell(events),
    ),
  )
}
