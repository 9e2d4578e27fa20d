import { expect } from 'chai'
import type { Queues } from '#platform/sqs/queues.ts'
import { openLease } from '#services/gpu-worker/lease.ts'

describe('the lease of a message', () => {
  it('begins at once, for what is received is hidden for a moment only', async () => {
    const asked: unknown[] = []
    const extend: Queues['extend'] = async (...given) => {
      asked.push(given)
      return new Map()
    }
    const log = { warn() {} }
    const onLost = () => {}
    const lease = openLease({ queues: { extend }, queueUrl: 'q', message: { receipt: 'r' }, seconds: 120, log, onLost })
    await lease.end()
    expect(asked).to.deep.equal([['q', ['r'], 120]])
  })
})
