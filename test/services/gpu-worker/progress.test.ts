import { expect } from 'chai'
import { openLogger } from '#platform/telemetry/logger.ts'
import { openProgress } from '#services/gpu-worker/progress.ts'

describe('the progress of a job', () => {
  it('has been told when it ends: later it would take up again what has failed meanwhile', async () => {
    const told: string[] = []
    const telling = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    const progress = openProgress({
      log: openLogger('test', 'silent'),
      everyMs: 1,
      async tell() {
        telling.resolve()
        await answer.promise
        told.push('progress')
      },
      onStep() {},
    })
    await progress.during('study', () => telling.promise)
    const ending = (async () => {
      await progress.end()
      told.push('end')
    })()
    await new Promise(setImmediate)
    answer.resolve()
    await ending
    expect(told).to.deep.equal(['progress', 'end'])
  })
})
