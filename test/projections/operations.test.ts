import { operationsView } from '#projections/operations.ts'
import { operationEnded, operationStarted } from '#test/kit/histories.ts'
import { BEGINNING } from '#test/kit/world.ts'
import { having } from './showing.ts'

const since = (n: number) => BEGINNING + n * 1000

describe('the view of operations', () => {
  it('shows who did what and why, and what came of it', () => {
    const shown = having(operationStarted({ reason: 'a mended fold' }), operationEnded()).view(operationsView)
    shown.isWhole()
    shown.shows({
      act: 'rebuild',
      target: 'notes',
      who: 'ada',
      via: 'cli',
      reason: 'a mended fold',
      started_at: since(1),
      ended_at: since(2),
      outcome: 'done',
      summary: '3 rows',
    })
  })

  it('shows one that runs, or was cut off, without an end', () => {
    having(operationStarted())
      .view(operationsView)
      .shows({ started_at: since(1), ended_at: null, outcome: null, reason: null })
  })
})
