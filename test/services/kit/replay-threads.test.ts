import { expect } from 'chai'
import { readSettings } from '#platform/config/settings.ts'
import { replayThreads, threadsFor } from '#services/kit/replay-threads.ts'

describe('the threads of a replay', () => {
  it('are those that the settings say; below two it folds in one', () => {
    expect(replayThreads(readSettings({ REPLAY_THREADS: '3' }))).to.include({ count: 3 })
    for (const none of ['0', '1']) expect(replayThreads(readSettings({ REPLAY_THREADS: none }))).to.equal(undefined)
  })

  it('leave two cores to the database and to clients, and are four at most', () =>
    expect([1, 2, 3, 4, 6, 8, 64].map(threadsFor)).to.deep.equal([0, 0, 1, 2, 4, 4, 4]))
})
