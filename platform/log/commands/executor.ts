import { type Catalog, EventError } from '#events/kit/codec.ts'
import { type Decider, decidersByKind, type Topic } from '#events/kit/stream.ts'
import { now as clock } from '../../clock.ts'
import { isRefusal } from '../../pg/errors.ts'
import { isTracing, type SpanDetails, span, traceparentOr } from '../../telemetry/tracing/tracing.ts'
import { newId } from '../new-id.ts'
import { partitionOf } from '../partitioner.ts'
import type { Appender } from '../port.ts'
import { Contended, type Context, type Execute, type Pending, Rejected } from './contract.ts'
import { folding } from './folding.ts'
import { type Memory, openMemory } from './memory.ts'
import { type CommandOutcome, Round } from './round.ts'
import { resultRenewer } from './stored-results.ts'

export { type Cause, Contended, type Context, type Execute, type Executed, Rejected } from './contract.ts'

export interface RoundsOptions {
  appender: Appender
  catalog: Catalog
  deciders: readonly Decider[]
  topics: readonly Topic[]
  /** Returns milliseconds since the epoch; the database's clock if not given. */
  now?: () => number
}

export interface ExecutorOptions extends RoundsOptions {
  /** Most commands per round. */
  maxRound?: number
}

/** How often a command may lose before its caller gets an error; at each loss another command has won. */
const MAX_ATTEMPTS = 50

/**
 * Executes commands in rounds: one load, many decisions, one append (group commit), and an answer for each command. Commands that
 * arrive during a round go into the next one.
 */
export function executor(options: ExecutorOptions): { execute: Execute; idle(): Promise<void> } {
  const { appender, maxRound = 512 } = options
  const { memory, decide } = openRounds(options)
  let queue: Pending[] = []
  let running: Promise<void> | undefined
  // Tracing begins before anything else of the process, so it is asked about once.
  const isTraced = isTracing()

  async function run() {
    // Wait one tick, so that commands that arrive together are decided in one round.
    await new Promise(setImmediate)
    while (queue.length > 0) {
      const batch = queue.splice(0, maxRound)
      const retries = await play(batch).catch((error) => playEach(batch, error))
      // Commands that wait for the same reservation or count go last, so that many of them do not delay the others.
      const { first = [], last = [] } = Object.groupBy(retries, ({ waits }) => (waits ? 'last' : 'first'))
      queue = [...first, ...queue, ...last]
    }
    running = undefined
  }

  /** Runs one round and settles its commands; returns those that must be decided again. */
  const play = (batch: Pending[]): Promise<Pending[]> =>
    isTraced
      ? span(
          () => appending(batch),
          () => playRound(batch),
        )
      : playRound(batch)

  async function playRound(batch: Pending[]): Promise<Pending[]> {
    const round = await decide(batch)
    const groups = round.groups()
    const verdicts = groups.length > 0 ? await appender.append(groups, round.known, memory.seen()) : []
    memory.learn(groups, verdicts)
    return round.outcomes(verdicts).flatMap(settle)
  }

  function settle({ pending, executed, error, doubted, waited }: CommandOutcome): Pending[] {
    pending.waits = waited
    if (executed) pending.resolve(executed)
    else if (error) pending.reject(error)
    else if (doubted) return [Object.assign(pending, { doubted })]
    else if (waited) return [pending]
    else if (++pending.attempts >= MAX_ATTEMPTS)
      pending.reject(new Contended(`${pending.command.name} lost ${MAX_ATTEMPTS} times in a row`))
    else return [pending]
    return []
  }

  /** After a round failed because of its data, runs its commands one by one, so that only those with the bad data fail. */
  async function playEach(batch: Pending[], cause: unknown): Promise<Pending[]> {
    memory.forget()
    const alone = batch.length === 1 || !isFaultOfData(cause)
    const retries: Pending[] = []
    for (const pending of batch) {
      if (alone) pending.reject(cause)
      else retries.push(...(await play([pending]).catch((error) => playEach([pending], error))))
    }
    return retries
  }

  const enqueue: Execute = (command, context) =>
    new Promise((resolve, reject) => {
      queue.push({ command, context, attempts: 0, resolve: resolve as Pending['resolve'], reject })
      running ??= run()
    })

  return {
    execute: (command, context) =>
      isTraced
        ? span(
            () => ({ name: `execute ${command.name}`, isAnswer: isRejection }),
            () => enqueue(command, traced(context)),
          )
        : enqueue(command, context),
    idle: async () => {
      while (running) await running
    },
  }
}

/** A rejection is a decision, so it does not make the span a failure. */
const isRejection = (error: unknown) => error instanceof Rejected

/** Events carry the `traceparent` of our own span, if there is one, not the client's. */
function traced(context: Context): Context {
  const traceparent = traceparentOr(context.traceparent)
  return traceparent === context.traceparent ? context : { ...context, traceparent }
}

const appending = (batch: readonly Pending[]): SpanDetails => ({
  name: 'append',
  attributes: { 'db.system.name': 'postgresql', 'vidwiz.commands': batch.length },
  from: batch.map(({ context }) => context.traceparent),
})

/** True if data caused the error: Postgres refuses it, a string gets too long, or a history cannot be read. Nothing was written. */
export const isFaultOfData = (error: unknown) => error instanceof RangeError || error instanceof EventError || isRefusal(error)

/** Decides rounds: commands that are decided together and then appended together. */
export interface Rounds {
  memory: Memory
  /** Decides each command on the state that the commands before it left. Writes nothing yet. */
  decide(batch: readonly Pending[]): Promise<Round>
}

export function openRounds({ appender, catalog, now = clock, ...options }: RoundsOptions): Rounds {
  const partitions = new Map(options.topics.map((topic) => [topic.name, topic.partitions]))
  const kit = {
    deciderOf: decidersByKind(options.deciders),
    partitionOf: (topic: string, key: string) => partitionOf(key, partitions.get(topic)!),
    newId,
  }
  const histories = { appender, catalog, deciderOf: kit.deciderOf }
  const memory = openMemory({ appender, fold: folding(histories) })
  const renew = resultRenewer(histories)
  return {
    memory,
    async decide(batch) {
      const recalled = await memory.recall(batch)
      for (const { command, context } of batch) {
        const used = recalled.results.findIndex((key) => isSame(key, context.idempotency))
        if (used >= 0) recalled.results[used] = await renew(recalled.results[used]!, command)
      }
      const round = new Round(recalled, now(), kit)
      for (const pending of batch) round.decide(pending)
      return round
    },
  }
}

const isSame = (one: { scope: string; key: string }, other: Context['idempotency']) =>
  other !== undefined && one.scope === other.scope && one.key === other.key
