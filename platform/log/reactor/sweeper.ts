import type { Command } from '#events/kit/command.ts'
import { stopping } from '../../stopping.ts'
import type { Context, Execute } from '../commands/contract.ts'

/** Something that is due because time has passed, not because an event came. */
export interface Due {
  command: Command
  context: Context
}

export interface SweeperOptions {
  execute: Execute
  everyMs: number
  /** What a view says is due. The view may be outdated, and several processes may see the same: the commands decide. */
  due(): Promise<Due[]>
  /** Execute the commands one after the other; the first that fails ends the look. */
  inTurn?: boolean
  /** Called with every error of a look or a command; the next look tries again. */
  onError(error: unknown): void
}

/** Looks for what is due, pauses `everyMs` milliseconds, and so on; executes what it finds. Any number of processes may run it. */
export function startSweeper({ execute, everyMs, due, inTurn, onError }: SweeperOptions): { stop(): Promise<void> } {
  const { stopped, stop, pause } = stopping()
  const look = async () => {
    if (inTurn) {
      for (const { command, context } of await due()) {
        if (stopped()) return
        await execute(command, context)
      }
      return
    }
    const outcomes = await Promise.allSettled((await due()).map(({ command, context }) => execute(command, context)))
    for (const outcome of outcomes) if (outcome.status === 'rejected') onError(outcome.reason)
  }
  const run = async () => {
    while (!stopped()) {
      await look().catch(onError)
      await pause(everyMs)
    }
  }
  const running = run()
  return {
    async stop() {
      stop()
      await running
    },
  }
}
