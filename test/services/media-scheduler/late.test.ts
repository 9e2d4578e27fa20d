import { expect } from 'chai'
import { isLate } from '#services/media-scheduler/late.ts'

const HOUR = 3_600_000
const now = 100 * HOUR
const empty = { visible: 0, inFlight: 0, delayed: 0 }
const queued = (hours: number) => ({ status: 'queued', since: now - hours * HOUR, message_id: 'm' })

describe('a job of which nothing is heard', () => {
  it('is late once its message is in no queue', () => expect(isLate(queued(1), empty, now)).to.equal(true))

  for (const held of [{ visible: 1 }, { inFlight: 1 }, { delayed: 1 }])
    it(`waits for its turn while the queue holds messages: ${JSON.stringify(held)}`, () =>
      expect(isLate(queued(23), { ...empty, ...held }, now)).to.equal(false))

  it('is late when its worker has deleted the message, whatever the queue holds', () =>
    expect(isLate({ ...queued(1), message_id: null }, { ...empty, visible: 9 }, now)).to.equal(true))

  it('is late after a day, whatever the queue holds', () =>
    expect(isLate(queued(24), { ...empty, visible: 9 }, now)).to.equal(true))

  it('is late when a worker began it, whatever the queue holds', () =>
    expect(isLate({ ...queued(1), status: 'processing' }, { ...empty, visible: 9 }, now)).to.equal(true))
})
