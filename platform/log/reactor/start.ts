import type { Topic } from '#events/kit/stream.ts'
import type { Listener } from '#platform/pg/listen.ts'
import type { Following, Reader } from '../port.ts'
import { type ReactingOptions, reacting } from './reacting.ts'
import type { Reactor } from './reactor.ts'
import { hasDue, REDRIVE } from './redrive.ts'

export interface ReactorOptions extends Omit<ReactingOptions, 'onProgress'> {
  reader: Reader
  listener: Listener
  /** Told of every error that made it pause in a topic; it goes on by itself. */
  onError?(error: unknown, topic?: Topic): void
  /** Told whenever something of a topic was handled. */
  onProgress?(topic: Topic): void
}

/** What follows from an event may follow a moment later: under load that is a tenth of the work. */
const REST_MS = 25

/** Has a reactor follow its topics for as long as it runs. Any number may run: one owns a partition, the others stand by. */
export function startReactor(reactor: Reactor, options: ReactorOptions): { stop(): Promise<void> } {
  const { reader, listener, onError, onProgress, ...others } = options
  const follow = (topic: Topic): Following =>
    reader.follow({
      // One name for several topics would be one consumer group on Kafka, in which members are dealt each other's partitions.
      consumer: reactor.topics.length > 1 ? `${reactor.name}.${topic.name.split('.').at(-1)}` : reactor.name,
      topic,
      restMs: REST_MS,
      batchSize: reactor.batchSize,
      ...reacting(reactor, topic, { ...others, onProgress: () => onProgress?.(topic) }),
      onError: (error) => onError?.(error, topic),
    })

  let isStopped = false
  let following = reactor.topics.map(follow)
  let last = Promise.resolve()
  const stopAll = async () => void (await Promise.all(following.map((one) => one.stop())))

  async function takeUpDue() {
    if (!(await hasDue(options.db, reactor.name))) return
    await stopAll()
    if (!isStopped) following = reactor.topics.map(follow)
  }

  // Letters that are due are taken up by whoever takes over.
  const unlisten = listener.on(REDRIVE, (consumer) => {
    // Undefined: something may have been missed.
    if (consumer === undefined || consumer === reactor.name) last = last.then(takeUpDue).catch((error) => onError?.(error))
  })
  return {
    async stop() {
      isStopped = true
      unlisten()
      await last
      await stopAll()
    },
  }
}
