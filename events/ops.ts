import { z } from 'zod'
import { command, emit, nothing, reject } from './kit/command.ts'
import { decider, type EventFrom, noCaseFor, stream } from './kit/stream.ts'
import { ops as topic } from './topics.ts'

/**
 * What operators do to the running system. Stream `operation-<id>`: one operation, recorded before it begins and after it ends.
 * An operation without an end was cut off: its process died.
 */
export const operationStream = stream<{ operation: string }>('operation', {
  topic,
  id: (e) => e.operation,
  key: (e) => e.operation,
})

/** Every kind of operation. */
export const ACTS = [
  'rebuild',
  'dry-run',
  'verify',
  'as-of',
  'drop-as-of',
  'cancel',
  'redrive',
  'skip',
  'reset',
  'reveal',
  'redrive-queue',
  'redrive-requests',
  'resume-helpers',
  'relieve',
  'restored',
] as const
export type ActName = (typeof ACTS)[number]

export const OUTCOMES = ['done', 'failed', 'cancelled'] as const
export type OperationOutcome = (typeof OUTCOMES)[number]

// Events ----------------------------------------------------------------

const operation = z.uuid()

/**
 * Recorded before the operation begins. `target`: what it acts on, for example a view or `notes note-42`. `who`: the operator
 * or service. `via`: the tool used. `command`: the command line that does the same. `reason`: in the operator's words.
 */
export const OperationStarted = operationStream.event(
  'OperationStarted',
  1,
  z.object({
    operation,
    // One of ACTS, but a string: a new act then needs no new schema version, and older readers accept it.
    act: z.string().min(1),
    target: z.string(),
    who: z.string().min(1),
    via: z.enum(['page', 'cli', 'service']),
    command: z.string(),
    reason: z.string().optional(),
  }),
)
/** Recorded when the operation is over. `summary`: the outcome in a sentence. */
export const OperationEnded = operationStream.event(
  'OperationEnded',
  1,
  z.object({ operation, outcome: z.enum(OUTCOMES), summary: z.string() }),
)

export const operationEvents = [OperationStarted, OperationEnded] as const
export type OperationEvent = EventFrom<(typeof operationEvents)[number]>

// State -----------------------------------------------------------------

export interface Operation {
  status: 'running' | OperationOutcome
}

export const evolveOperation = (_: Operation | undefined, event: OperationEvent): Operation | undefined => {
  switch (event.type) {
    case 'OperationStarted':
      return { status: 'running' }
    case 'OperationEnded':
      return { status: event.data.outcome }
    default:
      return noCaseFor(event)
  }
}

export const operations = decider<Operation, OperationEvent>(operationStream, 1, evolveOperation)

// Decisions ---------------------------------------------------------------

export type StartOperation = z.input<typeof OperationStarted.data> & { act: ActName }
export type EndOperation = z.input<typeof OperationEnded.data>

/** Records that an operation is about to begin. */
export const startOperation = (started: StartOperation) =>
  command({
    name: 'startOperation',
    reads: { state: operations.of(started.operation) },
    decide: ({ state }) => (state ? nothing(null) : emit([OperationStarted(started)], null)),
  })

/** Records the outcome of an operation. The first recorded outcome counts. */
export const endOperation = (ended: EndOperation) =>
  command({
    name: 'endOperation',
    reads: { state: operations.of(ended.operation) },
    decide: ({ state }) => {
      if (!state) return reject('NOT_FOUND', `No operation ${ended.operation} was started`)
      return state.status === 'running' ? emit([OperationEnded(ended)], null) : nothing(null)
    },
  })
