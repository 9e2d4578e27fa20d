import { EventError } from '#events/kit/codec.ts'
import { isRefusal } from '../pg/errors.ts'
import { type DecidingOptions, openDeciding } from './deciding.ts'
import type { Execute, Pending } from './execution.ts'
import type { Outcome } from './round.ts'

export { type Cause, type Context, type Execute, type Executed, Rejected } from './execution.ts'

export interface ExecutorOptions extends DecidingOptions {
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
  const { appender, maxRound = 512 } = options
  const { memory, round: decided } = openDeciding(options)
  let queue: Pending[] = []
  let running: Promise<void> | undefined

  async function run() {
    // A tick's grace: whatever arrives together is decided together.
    await new Promise(setImmediate)
    while (queue.length > 0) {
      const batch = queue.splice(0, maxRound)
      const again = await play(batch).catch((error) => playEach(batch, error))
      // Many who want the same must not keep those from deciding who want something else.
      const { first = [], last = [] } = Object.groupBy(again, ({ waits }) => (waits ? 'last' : 'first'))
      queue = [...first, ...queue, ...last]
    }
    running = undefined
  }

  /** Plays one round and settles its commands; returns those that must be decided again. */
  async function play(batch: Pending[]): Promise<Pending[]> {
    const round = await decided(batch)
    const groups = round.groups()
    const verdicts = groups.length > 0 ? await appender.append(groups, round.known) : []
    memory.learn(groups, verdicts)
    return round.outcomes(verdicts).flatMap(settle)
  }

  function settle({ pending, executed, error, doubted, waited }: Outcome): Pending[] {
    pending.waits = waited
    if (executed) pending.resolve(executed)
    else if (error) pending.reject(error)
    else if (doubted) return [Object.assign(pending, { doubted })]
    else if (waited) return [pending]
    else if (++pending.attempts >= MAX_ATTEMPTS)
      pending.reject(new Error(`${pending.command.name} lost ${MAX_ATTEMPTS} times in a row`))
    else return [pending]
    return []
  }

  /** What failed as a round is played command by command if it was the fault of its data: only the guilty one fails then. */
  async function playEach(batch: Pending[], cause: unknown): Promise<Pending[]> {
    memory.forget()
    const alone = batch.length === 1 || !isFaultOfData(cause)
    const again: Pending[] = []
    for (const pending of batch) {
      if (alone) pending.reject(cause)
      else again.push(...(await play([pending]).catch((error) => playEach([pending], error))))
    }
    return again
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

/**
 * Data that Postgres will not take, that is too long for one string, or a history that cannot be read. Nothing was written.
 */
export const isFaultOfData = (error: unknown) => error instanceof RangeError || error instanceof EventError || isRefusal(error)
