import type { Recorded } from '#events/kit/envelope.ts'
import type { Topic } from '#events/kit/stream.ts'
import type { Listener } from '#platform/pg/listen.ts'
import { span } from '#platform/telemetry/tracing/tracing.ts'
import { consuming } from '../consumers/consuming.ts'
import { type Owner, toldTo } from '../consumers/owners.ts'
import { hasDue, REDRIVE } from '../consumers/redrive.ts'
import type { Follower, Following, Reader } from '../port.ts'
import { type ReactingOptions, reacting } from './reacting.ts'
import type { Reactor } from './reactor.ts'
import { RESET } from './reset.ts'

export interface ReactorOptions extends Omit<ReactingOptions, 'owner'> {
  /** This process, for monitoring. */
  owner?: Owner
  reader: Reader
  listener: Listener
  /** Called with every error that made it pause in a topic; it continues by itself. */
  onError?(error: unknown, topic?: Topic): void
}

/** Reactions may come this much later. Under load, gathering events reduces the work to a tenth. */
const REST_MS = 25

/** Makes a reactor follow its topics until stopped. Any number of processes may run it: each partition has one owner. */
export function startReactor(reactor: Reactor, options: ReactorOptions): { stop(): Promise<void> } {
  const { reader, listener, owner, onError, ...others } = options
  const types = new Set(reactor.types.map(({ type }) => type))
  const told = (topic: Topic, batch: readonly Recorded[]) => {
    // No span for events that it skips.
    const matters = batch.filter(({ type }) => types.has(type))
    return matters.length === 0 ? undefined : consuming('react', { consumer: reactor.name, topic: topic.name }, matters)
  }
  const follow = (topic: Topic): Following => {
    const { resume, handle } = reacting(reactor, topic, { ...others, owner: owner?.id })
    const follower: Follower = {
      // One name for several topics would be one consumer group on Kafka, which assigns members partitions of each other's topics.
      consumer: reactor.topics.length > 1 ? `${reactor.name}.${topic.name.split('.').at(-1)}` : reactor.name,
      topic,
      restMs: REST_MS,
      batchSize: reactor.batchSize,
      resume,
      handle: (batch) =>
        span(
          () => told(topic, batch),
          () => handle(batch),
        ),
      onError: (error) => onError?.(error, topic),
    }
    return reader.follow(toldTo(owner, reactor.name, follower))
  }

  let isStopped = false
  let following = reactor.topics.map(follow)
  let last = Promise.resolve()
  const stopAll = async () => void (await Promise.all(following.map((one) => one.stop())))

  async function restart() {
    await stopAll()
    if (!isStopped) following = reactor.topics.map(follow)
  }

  async function restartIfDue() {
    if (await hasDue(options.db, reactor.name)) await restart()
  }

  // Due events are redriven when ownership is taken, so restart.
  const unlisten = listener.on(REDRIVE, (consumer) => {
    // Undefined: a notification may have been missed.
    if (consumer === undefined || consumer === reactor.name) last = last.then(restartIfDue).catch((error) => onError?.(error))
  })
  // Its checkpoint was moved, so restart. If the notification is missed (undefined), the next event fences the consumer, perhaps
  // much later.
  const unlistenReset = listener.on(RESET, (consumer) => {
    if (consumer === reactor.name) last = last.then(restart).catch((error) => onError?.(error))
  })
  return {
    async stop() {
      isStopped = true
      unlisten()
      unlistenReset()
      await last
      await stopAll()
    },
  }
}
