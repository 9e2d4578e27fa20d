import type { Catalog } from '#events/kit/codec.ts'
import type { Decider, Topic } from '#events/kit/stream.ts'
import { now as clock } from '#platform/clock.ts'
import { newId } from '../new-id.ts'
import { partitionOf } from '../partitioner.ts'
import type { Appender } from '../port.ts'
import type { Context, Pending } from './contract.ts'
import { type Memory, openMemory } from './memory.ts'
import { Round } from './round.ts'
import { resultRenewer } from './stored-results.ts'

export interface RoundsOptions {
  appender: Appender
  catalog: Catalog
  deciders: readonly Decider[]
  topics: readonly Topic[]
  /** Returns milliseconds since the epoch; the database's clock if not given. */
  now?: () => number
}

/** Decides rounds: commands that are decided together and then appended together. */
export interface Rounds {
  memory: Memory
  /** Decides each command on the state that the commands before it left. Writes nothing yet. */
  decide(batch: readonly Pending[]): Promise<Round>
}

/** Finds the decider of a stream by its name. */
export function decidersByKind(deciders: readonly Decider[]): (stream: string) => Decider {
  const byKind = new Map(deciders.map((decider) => [decider.stream.kind, decider]))
  return (stream) => byKind.get(stream.slice(0, stream.indexOf('-')))!
}

const isSame = (one: { scope: string; key: string }, other: Context['idempotency']) =>
  other !== undefined && one.scope === other.scope && one.key === other.key

export function openRounds({ appender, catalog, now = clock, ...options }: RoundsOptions): Rounds {
  const partitions = new Map(options.topics.map((topic) => [topic.name, topic.partitions]))
  const kit = {
    deciderOf: decidersByKind(options.deciders),
    partitionOf: (topic: string, key: string) => partitionOf(key, partitions.get(topic)!),
    newId,
  }
  const memory = openMemory({ appender, catalog, deciderOf: kit.deciderOf })
  const renew = resultRenewer({ appender, catalog, deciderOf: kit.deciderOf })
  return {
    memory,
    async decide(batch) {
      const recalled = await memory.recall(batch)
      for (const { command, context } of batch) {
        const used = recalled.keys.findIndex((key) => isSame(key, context.idempotency))
        if (used >= 0) recalled.keys[used] = await renew(recalled.keys[used]!, command)
      }
      const round = new Round(recalled, now(), kit)
      for (const pending of batch) round.decide(pending)
      return round
    },
  }
}
