import type { Foldable } from '#events/kit/envelope.ts'
import { noCaseFor } from '#events/kit/stream.ts'
import { type OperationEvent, operationEvents } from '#events/ops.ts'
import { columnsOf, type Queryable, view } from './engine/view.ts'

/** What an operator did to the system, and the outcome. Times in milliseconds since the epoch. */
export type OperationRow = {
  operation: string
  act: string
  target: string
  who: string
  /** `page`, `cli` or `service`. */
  via: string
  command: string
  reason: string | null
  started_at: number
  /** Null while it runs, or when its process died. */
  ended_at: number | null
  /** `done`, `failed` or `cancelled`. */
  outcome: string | null
  summary: string | null
}

export const operationsView = view('operations', {
  version: 1,
  from: operationEvents,
  key: 'operation',
  perStream: true,
  columns: {
    operation: 'text not null',
    act: 'text not null',
    target: 'text not null',
    who: 'text not null',
    via: 'text not null',
    command: 'text not null',
    reason: 'text',
    started_at: 'bigint not null',
    ended_at: 'bigint',
    outcome: 'text',
    summary: 'text',
  },
  indexes: ['(started_at desc)', '(act, started_at desc)'],
  id: (event) => event.data.operation,
  evolve: (row: OperationRow | undefined, event: Foldable<OperationEvent>) => {
    switch (event.type) {
      case 'OperationStarted': {
        const { operation, act, target, who, via, command, reason = null } = event.data
        const open = { ended_at: null, outcome: null, summary: null }
        return { operation, act, target, who, via, command, reason, started_at: event.time, ...open }
      }
      case 'OperationEnded': {
        const { outcome, summary } = event.data
        return row && { ...row, ended_at: event.time, outcome, summary }
      }
      default:
        return noCaseFor(event)
    }
  },
})

const COLUMNS = columnsOf(operationsView)

/** Operations, the newest first. @param acts only these acts; all if empty */
export const operationsDone = (db: Queryable, { acts = [], limit }: { acts?: readonly string[]; limit: number }) =>
  db.query<OperationRow>(
    'operations.done',
    `select ${COLUMNS} from views.operations
      where cardinality($1::text[]) = 0 or act = any ($1) order by started_at desc limit $2`,
    [acts, limit],
  )

/** The operations with these ids, in any order. */
export const operationsByIds = (db: Queryable, ids: readonly string[]) =>
  db.query<OperationRow>(
    'operations.byIds',
    `select ${COLUMNS} from views.operations
      where operation = any ($1)`,
    [ids],
  )
