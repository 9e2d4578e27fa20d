import { expect } from 'chai'
import fc from 'fast-check'
import { LEAST_IDLE, LEAST_PACE, MOST_LATE_MS, nextPace, type Surroundings } from '#projections/engine/pace.ts'
import { progressLine } from '#services/cli/progress.ts'

const around = fc.record({
  isServing: fc.boolean(),
  idle: fc.double({ min: 0, max: 64, noNaN: true }),
  lateMs: fc.double({ min: 0, max: 100_000, noNaN: true }),
})
const paceAfter = (looks: readonly Surroundings[], pace = 1) => looks.reduce(nextPace, pace)

describe('the pace of a replay', () => {
  it('stays between the lowest and 1, whatever it sees', () =>
    fc.assert(fc.property(fc.array(around), (looks) => void expect(paceAfter(looks)).to.be.within(LEAST_PACE, 1))))

  it('is 1 at once when nobody is served, however busy the machine is', () =>
    fc.assert(
      fc.property(fc.array(around), around, (looks, last) => {
        expect(paceAfter([...looks, { ...last, isServing: false }])).to.equal(1)
      }),
    ))

  it('is the lowest after two seconds of full processors or late consumers, and 1 after four good ones', () => {
    const good = { isServing: true, idle: LEAST_IDLE, lateMs: MOST_LATE_MS }
    const times = (n: number, one: Surroundings) => Array.from({ length: n }, () => one)
    expect(paceAfter(times(8, { ...good, idle: LEAST_IDLE - 0.01 }))).to.equal(LEAST_PACE)
    expect(paceAfter(times(8, { ...good, lateMs: MOST_LATE_MS + 1 }))).to.equal(LEAST_PACE)
    expect(paceAfter(times(17, good), LEAST_PACE)).to.equal(1)
  })

  it('settles where 0.8 processors are idle, for any replay that can leave so much', () =>
    fc.assert(
      fc.property(
        // How many processors the replay takes at full pace, and the pace at which it would leave just enough of them.
        fc.double({ min: 0.6, max: 2, noNaN: true }),
        fc.double({ min: LEAST_PACE, max: 1, noNaN: true }),
        (own, right) => {
          const free = LEAST_IDLE + own * right
          let pace = LEAST_PACE
          let idle = 0
          for (let look = 1; look <= 200; look++) {
            pace = nextPace(pace, { isServing: true, idle: free - own * pace, lateMs: 0 })
            if (look > 100) idle += (free - own * pace) / 100
          }
          expect(idle).to.be.within(LEAST_IDLE - 0.1, LEAST_IDLE + 0.31)
        },
      ),
    ))

  it('is said on the command line only when there are pauses', () => {
    const progress = { phase: 'read', events: 10, total: 20, rate: 5, etaMs: 2_000 }
    expect(progressLine('notes', { ...progress, pace: 0.4 })).to.equal(
      'notes: read 10 of 20 events, 5/s, paced to 40 %, 2 s left',
    )
    expect(progressLine('notes', { ...progress, pace: 1 })).to.equal('notes: read 10 of 20 events, 5/s, 2 s left')
  })
})
