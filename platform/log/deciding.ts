import type { Catalog } from '#events/kit/codec.ts'
import type { Decider, Topic } from '#events/kit/stream.ts'
import type { Pending } from './execution.ts'
import { type Memory, openMemory } from './memory.ts'
import { newId } from './new-id.ts'
import { partitionOf } from './partitioner.ts'
import type { Appender } from './port.ts'
import { Round } from './round.ts'

export interface DecidingOptions {
  appender: Appender
  catalog: Catalog
  deciders: readonly Decider[]
  topics: readonly Topic[]
  /** Milliseconds since the epoch. */
  now?: () => number
}

/** Decides commands together, on the states that they read. */
export interface Deciding {
  memory: Memory
  /** Decides each on the state that those before it left; nothing is written yet. */
  round(batch: readonly Pending[]): Promise<Round>
}

/** Finds the decider of a stream by its name. */
export function decidersByKind(deciders: readonly Decider[]): (stream: string) => Decider {
  const byKind = new Map(deciders.map((decider) => [decider.stream.kind, decider]))
  return (stream) => byKind.get(stream.slice(0, stream.indexOf('-')))!
}

export function openDeciding({ appender, catalog, now = Date.now, ...options }: DecidingOptions): Deciding {
  const partitions = new Map(options.topics.map((topic) => [topic.name, topic.partitions]))
  const kit = {
    deciderOf: decidersByKind(options.deciders),
    partitionOf: (topic: string, key: string) => partitionOf(key, partitions.get(topic)!),
    newId,
  }
  const memory = openMemory({ appender, catalog, deciderOf: kit.deciderOf })
  return {
    memory,
    async round(batch) {
      const round = new Round(await memory.recall(batch), now(), kit)
      for (const pending of batch) round.decide(pending)
      return round
    },
  }
}
