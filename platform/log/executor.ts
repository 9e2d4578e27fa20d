import { v7 as uuidv7 } from 'uuid'
import { type Catalog, decode } from '#events/kit/codec.ts'
import type { EventOf } from '#events/kit/envelope.ts'
import type { Decider, Topic } from '#events/kit/stream.ts'
import type { Execute, Pending } from './execution.ts'
import { partitionOf } from './partitioner.ts'
import type { Appender, Loaded } from './port.ts'
import { type Outcome, Round } from './round.ts'

export { type Context, type Execute, type Executed, Rejected } from './execution.ts'

export interface ExecutorOptions {
  appender: Appender
  catalog: Catalog
  deciders: readonly Decider[]
  topics: readonly Topic[]
  /** Milliseconds since the epoch. */
  now?: () => number
  /** Most commands per round. */
  maxRound?: number
}

/** How often a command may lose to others before its sender is told; each loss means that somebody else won. */
const MAX_ATTEMPTS = 50

/**
 * Executes commands. Those that arrive while a round is under way are coalesced into the next one: one load, many
 * decisions, one append (group commit), and a verdict for each.
 */
export function executor(options: ExecutorOptions): { execute: Execute; idle(): Promise<void> } {
  const { appender, catalog, now = Date.now, maxRound = 512 } = options
  const deciders = new Map(options.deciders.map((decider) => [decider.stream.kind, decider]))
  const partitions = new Map(options.topics.map((topic) => [topic.name, topic.partitions]))
  const kit = {
    deciderOf: (stream: string) => deciders.get(stream.slice(0, stream.indexOf('-')))!,
    partitionOf: (topic: string, key: string) => partitionOf(key, partitions.get(topic)!),
    newId: uuidv7,
  }
  let queue: Pending[] = []
  let running: Promise<void> | undefined

  async function run() {
    // A tick's grace: whatever arrives together is decided together.
    await new Promise(setImmediate)
    while (queue.length > 0) {
      const batch = queue.splice(0, maxRound)
      try {
        queue = [...(await play(batch)), ...queue]
      } catch (error) {
        for (const pending of batch) pending.reject(error)
      }
    }
    running = undefined
  }

  /** Plays one round and settles its commands; returns those that must be decided again. */
  async function play(batch: Pending[]): Promise<Pending[]> {
    const loaded = await refold(await appender.load(wanted(batch)))
    const round = new Round(loaded, now(), kit)
    for (const pending of batch) round.decide(pending)
    const groups = round.groups()
    const verdicts = groups.length > 0 ? await appender.append(groups) : []
    return round.outcomes(verdicts).flatMap(settle)
  }

  function settle({ pending, executed, error }: Outcome): Pending[] {
    if (executed) pending.resolve(executed)
    else if (error) pending.reject(error)
    else if (++pending.attempts >= MAX_ATTEMPTS)
      pending.reject(new Error(`${pending.command.name} lost ${MAX_ATTEMPTS} times in a row`))
    else return [pending]
    return []
  }

  /** States that an older version of a decider folded are folded anew from their events. */
  async function refold(loaded: Loaded): Promise<Loaded> {
    for (const [stream, kept] of loaded.streams) {
      const decider = kit.deciderOf(stream)
      if (kept.stateVersion === decider.stateVersion) continue
      const history = (await appender.stream(stream)).filter((event) => event.version <= kept.version)
      kept.state = history.reduce<unknown>(
        (state, event) => decider.evolve(state, decode(catalog, event) as EventOf as never),
        undefined,
      )
    }
    return loaded
  }

  return {
    execute: (command, context) =>
      new Promise((resolve, reject) => {
        queue.push({ command, context, attempts: 0, resolve: resolve as Pending['resolve'], reject })
        running ??= run()
      }),
    idle: async () => {
      while (running) await running
    },
  }
}

/** All that the commands of a round need to know, asked for at once. */
function wanted(batch: Pending[]) {
  const streams = new Set<string>()
  const ids: Record<string, number> = {}
  const keys: { scope: string; key: string }[] = []
  for (const { command, context } of batch) {
    for (const name in command.reads) streams.add(command.reads[name]!.stream)
    for (const sequence of command.ids) ids[sequence] = (ids[sequence] ?? 0) + 1
    if (context.idempotency) keys.push(context.idempotency)
  }
  return { streams: [...streams], ids, keys }
}
