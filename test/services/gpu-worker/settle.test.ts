import { expect } from 'chai'
import type { Queues, Received } from '#platform/sqs/queues.ts'
import { openLogger } from '#platform/telemetry/logger.ts'
import { toldToStop } from '#services/gpu-worker/ending.ts'
import { settling } from '#services/gpu-worker/settle.ts'
import { usualTimes } from '#services/gpu-worker/worker-parts.ts'

const never = new Promise<never>(() => {})
/** A stop takes ten seconds at most, three of which the last report may have had. */
const REST_MS = 7_000

describe('a message of a worker that was told to stop', function () {
  this.timeout(REST_MS + 1_000)

  it('is let go in time when SQS does not answer', async () => {
    const queues = { extend: () => never, delete: () => never, sendBatch: () => never } as unknown as Queues
    const stop = { told: AbortSignal.abort(), finishing: AbortSignal.abort() }
    const measures = { ended() {}, heard() {}, step() {} }
    const { settle } = settling({ queues, queueUrl: 'q', times: usualTimes, stop, measures })
    const inHand = {
      received: { receipt: 'r', receiveCount: 3 } as Received,
      api: { report: async () => ({}) as never },
      log: openLogger('test', 'silent'),
      lease: { end: () => never },
      jobId: 1,
      lastResort: Promise.resolve({ maxReceives: 3, deadUrl: undefined, isMoved: true }),
    }
    const began = performance.now()
    await Promise.all([settle(inHand, { kind: 'completed' }), settle(inHand, toldToStop().ending)])
    expect(performance.now() - began).to.be.below(REST_MS)
  })
})
