import fc from 'fast-check'
import { endOperation, OperationEnded, OperationStarted, startOperation } from '#events/ops.ts'
import { usually, wished } from './usually.ts'

const OPERATION = '018f0000-0000-7000-8000-000000000001'
export const operationStarted = usually(OperationStarted, {
  operation: OPERATION,
  act: 'rebuild',
  target: 'notes',
  who: 'ada',
  via: 'cli',
  command: 'vidwiz rebuild notes',
})
export const operationEnded = usually(OperationEnded, { operation: OPERATION, outcome: 'done', summary: '3 rows' })

/** Random commands. */
export const operationWishes = {
  startOperation: wished(
    1,
    startOperation,
    fc.record({
      operation: fc.constant(OPERATION),
      act: fc.constant('verify' as const),
      target: fc.constant('notes'),
      who: fc.constant('ada'),
      via: fc.constant('cli' as const),
      command: fc.constant('vidwiz verify notes'),
    }),
  ),
  endOperation: wished(
    1,
    endOperation,
    fc.record({ operation: fc.constant(OPERATION), outcome: fc.constant('done' as const), summary: fc.constant('equal') }),
  ),
}
