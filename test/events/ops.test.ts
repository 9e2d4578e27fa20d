import { endOperation, OperationEnded, OperationStarted, startOperation } from '#events/ops.ts'
import { given } from '#test/kit/given.ts'
import { operationEnded, operationStarted } from '#test/kit/histories.ts'

const operation = '018f0000-0000-7000-8000-000000000002'
const started = {
  operation,
  act: 'redrive',
  target: 'notes note-42',
  who: 'ada',
  via: 'page',
  command: 'vidwiz redrive notes note-42',
} as const

describe('operations', () => {
  it('are recorded before anything is done, and once', () => {
    given().when(startOperation(started)).then(OperationStarted(started))
    given(OperationStarted(started)).when(startOperation(started)).thenNothing()
  })

  it('end once: what is recorded first counts', () => {
    const { operation } = operationStarted().data
    const ended = { operation, outcome: 'failed', summary: 'the database went away' } as const
    given(operationStarted()).when(endOperation(ended)).then(OperationEnded(ended))
    given(operationStarted(), operationEnded()).when(endOperation(ended)).thenNothing()
  })

  it('cannot end without having begun', () => {
    given()
      .when(endOperation({ operation, outcome: 'done', summary: '' }))
      .thenRejected('NOT_FOUND')
  })
})
