import type { Command } from '#events/kit/command.ts'
import { stopping } from '../../stopping.ts'
import type { Context, Execute } from '../execution.ts'

/** Something that is due because time has passed, not because an event came. */
export interface Due {
  command: Command
  context: Context
}

export interface SweeperOptions {
  execute: Execute
  everyMs: number
  /** What a view says is due. It may be wrong, or say so to several at once: the commands decide. */
  due(): Promise<Due[]>
  /** One after the other, in their order; what fails ends the look. */
  inTurn?: boolean
  /** Told of every look or command that failed; the next look makes up for it. */
  onError(error: unknown): void
}

/** Looks now and then for what is due, and executes it. Any number may run. */
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
