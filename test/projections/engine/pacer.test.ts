import { expect } from 'chai'
import type { Replayed } from '#events/kit/envelope.ts'
import { notes } from '#events/topics.ts'
import type { Reader, TakeHistory } from '#platform/log/port.ts'
import { paced } from '#projections/engine/pacer.ts'

describe('a reading that a pacer slows down', () => {
  const batch = Array.from({ length: 120 }, (_, i) => ({ pos: i + 1 }) as Replayed)
  const query = { topic: notes.name, after: new Map(), upTo: new Map(), uses: [] }
  const reader = {
    history: (_, take) => take(batch),
    async historyByStream(_, take) {
      await take(batch)
      return true
    },
  } as Pick<Reader, 'history' | 'historyByStream'> as Reader
  /** The size of each batch that is taken, and 0 for each pause. */
  const steps = async (pace: number, order: 'history' | 'historyByStream') => {
    const seen: number[] = []
    const read: number[] = []
    const take: TakeHistory = async (events) => {
      seen.push(events.length)
      read.push(...events.map(({ pos }) => pos))
    }
    const pauses = () => async () => void seen.push(0)
    await paced(reader, { pace: () => pace, pauses, stop: () => {} })[order]!(query, take)
    expect(read).to.deep.equal(batch.map(({ pos }) => pos))
    return seen
  }

  for (const order of ['history', 'historyByStream'] as const) {
    it(`takes fifty events at most between two pauses while people are served (${order})`, async () =>
      expect(await steps(0.9, order)).to.deep.equal([50, 0, 50, 0, 20, 0]))

    it(`takes batches as they come otherwise (${order})`, async () => expect(await steps(1, order)).to.deep.equal([120, 0]))
  }
})
