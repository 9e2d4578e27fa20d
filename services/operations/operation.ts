import { type ActName, endOperation, type OperationOutcome, startOperation } from '#events/ops.ts'
import type { Execute } from '#platform/log/commands/executor.ts'
import { newId } from '#platform/log/new-id.ts'
import { span } from '#platform/telemetry/tracing/tracing.ts'

/** The person or service that operates on the system. */
export interface Operator {
  name: string
  via: 'page' | 'cli' | 'service'
}

export interface Act {
  act: ActName
  /** The object of the act, for example `notes` or `notes note-42`. */
  target: string
  /** The command line that does the same. */
  command: string
  reason?: string | undefined
}

/** The outcome: a sentence for the record, and the result for the caller. */
export interface Done<T> {
  result: T
  summary: string
  outcome?: OperationOutcome
}

/**
 * Does something to the system on behalf of a person. Records it in `vidwiz.ops` before and after. When the start cannot be
 * recorded, nothing is done.
 * @param work gets the id of the operation; its error is recorded as a failure and thrown on
 */
export const operate = <T>(
  execute: Execute,
  operator: Operator,
  act: Act,
  work: (operation: string) => Promise<Done<T>>,
): Promise<T> =>
  span(
    () => ({ name: `operation ${act.act}` }),
    () => recordedAround(execute, operator, act, work),
  )

async function recordedAround<T>(
  execute: Execute,
  { name, via }: Operator,
  act: Act,
  work: (operation: string) => Promise<Done<T>>,
): Promise<T> {
  const operation = newId()
  const context = { actor: `operator:${name}`, correlationId: operation }
  await execute(startOperation({ operation, who: name, via, ...act }), context)
  const end = (outcome: OperationOutcome, summary: string) => execute(endOperation({ operation, outcome, summary }), context)
  let done: Done<T>
  try {
    done = await work(operation)
  } catch (error) {
    const { message, name, outcome } = error as Error & { outcome?: OperationOutcome }
    await end(outcome === 'cancelled' || name === 'Cancelled' ? 'cancelled' : 'failed', message)
    throw error
  }
  await end(done.outcome ?? 'done', done.summary)
  return done.result
}
