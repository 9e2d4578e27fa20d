import type { Command } from '#events/kit/command.ts'
import type { Recorded } from '#events/kit/envelope.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { traceparentOr } from '#platform/telemetry/tracing/tracing.ts'
import type { Context, Pending } from '../commands/contract.ts'
import { isFaultOfData, openRounds, type RoundsOptions } from '../commands/executor.ts'
import type { CommandOutcome } from '../commands/round.ts'
import type { Group, Verdict } from '../port.ts'
import { appender, appendWith, type ExtraSql } from '../postgres/appender.ts'

/** A command threw, was refused, or conflicts with another command of the same batch: retrying cannot help. */
export class Unable extends Error {
  override name = 'Unable'
}

/** True when retrying cannot help: park the event. */
export const isFault = (error: unknown) => error instanceof Unable || isFaultOfData(error)

/** An event with the commands that it causes. */
export interface Caused {
  recorded: Recorded
  commands: readonly Command[]
}

/** Executes the commands that a consumer's events cause. */
export interface CausedCommands {
  /**
   * Executes all commands together with `extra`, which records the consumer's progress: all of it or nothing.
   *
   * @returns false when `extra` returned no row; nothing was written then
   * @throws Unable, and errors of `extra` and of the database; nothing was written then either
   */
  apply(caused: readonly Caused[], extra: ExtraSql): Promise<boolean>
}

export interface CausedCommandsOptions extends Omit<RoundsOptions, 'appender'> {
  db: Queryable
  /** The actor in the envelopes of the events. */
  consumer: string
}

/** At each loss another command has won. */
const MAX_ATTEMPTS = 50

class Lost extends Error {}

export function openCausedCommands({ db, consumer, ...options }: CausedCommandsOptions): CausedCommands {
  const { memory, decide } = openRounds({ ...options, appender: appender(db) })

  /** Decides on freshly loaded states, because the append does not check a decision to write nothing. */
  async function attempt(pendings: readonly Pending[], extra: ExtraSql): Promise<boolean> {
    memory.forget()
    const round = await decide(pendings)
    const groups = round.groups()
    // A command that throws or is refused would do so again: find out before anything is written for the others.
    for (const outcome of round.outcomes(groups.map(asIfWon))) assertExecuted(outcome)
    if (groups.length === 0) return alone(extra)
    const verdicts = await appendWith(db, groups, extra, round.known)
    if (!verdicts) return false
    for (const outcome of round.outcomes(verdicts)) assertExecuted(outcome)
    return true
  }

  /** Without events the commit need not wait for the disk: if a crash loses it, it is done again. */
  const alone = async ({ name, text, values }: ExtraSql) =>
    (await db.query(name, `with ${text} select set_config('synchronous_commit', 'off', true) from extra`, [...values])).length > 0

  return {
    async apply(caused, extra) {
      const pendings = caused.flatMap(({ recorded, commands }) =>
        commands.map((command) => pending(command, contextOf(recorded, command, consumer))),
      )
      if (pendings.length === 0) return alone(extra)
      for (let attempts = 1; ; attempts++) {
        try {
          return await attempt(pendings, extra)
        } catch (error) {
          if (!(error instanceof Lost)) throw error
          if (attempts === MAX_ATTEMPTS) throw new Error(`${consumer} lost ${MAX_ATTEMPTS} times in a row`)
        }
      }
    },
  }
}

const asIfWon = ({ events }: Group): Verdict => ({ positions: events.map(() => 0) })

/** What an event causes belongs to the request that caused the event, unless the command knows of another one. */
const contextOf = ({ id, correlationId, traceparent }: Recorded, command: Command, consumer: string): Context => ({
  actor: consumer,
  correlationId: command.correlationId ?? correlationId,
  causationId: id,
  traceparent: traceparentOr(traceparent),
})

/** Has no caller that waits; its outcome is read from the round. */
const pending = (command: Command, context: Context): Pending => ({ command, context, attempts: 0, resolve() {}, reject() {} })

function assertExecuted({ pending, executed, error, waited }: CommandOutcome) {
  if (executed) return
  if (error) throw new Unable(`${pending.command.name}: ${(error as Error).message}`, { cause: error })
  if (waited) throw new Unable(`${pending.command.name} conflicts with another command of the same batch`)
  throw new Lost()
}
