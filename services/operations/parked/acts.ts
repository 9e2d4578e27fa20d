import type { Execute } from '#platform/log/commands/executor.ts'
import { skip } from '#platform/log/consumers/letters.ts'
import { OperatorError } from '#platform/operator-error.ts'
import type { Db } from '#platform/pg/pool.ts'
import { type Operator, operate } from '../operation.ts'
import { type Redriven, type RedriveOptions, redriveAll } from './redriving.ts'
import type { Selection } from './stuck.ts'

/** Dependencies of the acts on parked events. */
export interface Ground {
  db: Db
  execute: Execute
  operator: Operator
}

/** The name of a selection. A person types it to confirm a redrive or a skip. */
export const nameOf = ({ group, consumer, stream }: Selection): string =>
  [...(group ? ['group', group] : []), ...(consumer ? [consumer] : []), ...(stream ? [stream] : [])].join(' ')

/** Quotes a text as one word of a shell command. */
const quoted = (text: string) => (/^[\w./:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

/** The command line that redrives a selection. */
export const redriveCommand = ({ group, consumer, stream }: Selection, reason?: string): string =>
  [
    'npx vidwiz redrive',
    ...(consumer ? [quoted(consumer)] : []),
    ...(stream ? [quoted(stream)] : []),
    ...(group ? [`--group ${quoted(group)}`] : stream ? [] : ['--all']),
    ...(reason ? [`--reason ${quoted(reason)}`] : []),
  ].join(' ')

/** The command line that skips an event. */
export const skipCommand = (
  { consumer, stream, pos, isRedriven }: { consumer: string; stream: string; pos: number; isRedriven?: boolean | undefined },
  reason: string,
): string =>
  `npx vidwiz skip ${quoted(consumer)} ${quoted(stream)} ${pos} --reason ${quoted(reason)}${isRedriven ? ' --redrive' : ''}`

/** Redrives a selection; recorded before and after. */
export const redriveRecorded = (
  { db, execute, operator }: Ground,
  selection: Selection,
  { reason, onStart, ...options }: RedriveOptions & { reason?: string | undefined; onStart?(operation: string): void } = {},
): Promise<Redriven> =>
  operate(
    execute,
    operator,
    { act: 'redrive', target: nameOf(selection), command: redriveCommand(selection, reason), ...(reason ? { reason } : {}) },
    async (operation) => {
      onStart?.(operation)
      const result = await redriveAll(db, selection, options)
      return { result, summary: summaryOf(result), outcome: result.isCancelled ? 'cancelled' : 'done' }
    },
  )

/** The outcome of a redrive in a sentence, without text from payloads. */
export const summaryOf = ({ streams, applied, parked, stillParked, untaken, isCancelled }: Redriven): string =>
  [
    `${streams} ${streams === 1 ? 'stream' : 'streams'}: ${applied} events applied, ${parked} still parked in ${stillParked}`,
    ...untaken.map((consumer) => `${consumer} has not tried its events yet; it will when it runs`),
    ...(isCancelled ? ['ended before all were tried'] : []),
  ].join('; ')

/**
 * Skips a failed event for good; recorded before and after. With `isRedriven`, also redrives the events that wait behind it.
 * @returns the outcome of that redrive, if there was one
 * @throws OperatorError when there is no such failed event
 */
export const skipRecorded = (
  { db, execute, operator }: Ground,
  { consumer, stream, pos, isRedriven }: { consumer: string; stream: string; pos: number; isRedriven?: boolean | undefined },
  reason: string,
  options: RedriveOptions = {},
): Promise<Redriven | undefined> =>
  operate(
    execute,
    operator,
    {
      act: 'skip',
      target: nameOf({ consumer, stream }),
      command: skipCommand({ consumer, stream, pos, isRedriven }, reason),
      reason,
    },
    async () => {
      if (!(await skip(db, consumer, stream, pos, reason)))
        throw new OperatorError(`no failed event of ${stream} at position ${pos} in ${consumer}`)
      const said = `skipped position ${pos}`
      if (!isRedriven) return { result: undefined, summary: said }
      const result = await redriveAll(db, { consumer, stream }, options)
      return { result, summary: `${said}; ${summaryOf(result)}` }
    },
  )
