import { expect } from 'chai'
import { ago, isAhead, judge } from '#platform/log/consumers/judge.ts'
import type { Observation, OwnerStanding, PartitionStanding } from '#platform/log/consumers/state.ts'

const NOW = 1_800_000_000_000
const SECOND = 1_000
const DAY = 86_400 * SECOND

const owner = (over: Partial<OwnerStanding> = {}): OwnerStanding => ({
  id: 'one',
  service: 'projector',
  host: 'here',
  pid: 4711,
  beatAt: NOW - SECOND,
  isAlive: true,
  ...over,
})

/** One that has applied all there is, a day ago. */
const partition = (over: Partial<PartitionStanding> = {}): PartitionStanding => ({
  partition: 0,
  pos: 1_000,
  head: 1_000,
  events: 0,
  oldestAt: null,
  movedAt: NOW - DAY,
  total: 500,
  ...over,
})

const seen = (over: Partial<Observation> = {}): Observation => ({
  consumer: 'notes',
  topic: 'vidwiz.notes',
  kind: 'view',
  service: 'projector',
  at: NOW,
  partitions: [partition(), partition({ partition: 1 })],
  parked: { streams: 0, events: 0, oldestAt: null },
  owner: owner({ beatAt: (over.at ?? NOW) - SECOND }),
  isRebuilding: false,
  ...over,
})

/** Behind, with the oldest event so old, and a step so many seconds ago. */
const behind = (
  events: number,
  {
    oldS = 30,
    movedS = 1,
    at = NOW,
    total = 100_000,
    ...over
  }: Partial<PartitionStanding> & { oldS?: number; movedS?: number; at?: number } = {},
) => partition({ head: 9_000, events, oldestAt: at - oldS * SECOND, movedAt: at - movedS * SECOND, total, ...over })

/** One look a second up to now, with so many events behind at each. */
const course = (events: readonly number[], over: (at: number, n: number) => Partial<Observation> = () => ({})): Observation[] =>
  events.map((n, i) => {
    const at = NOW - (events.length - 1 - i) * SECOND
    return seen({ at, partitions: [n > 0 ? behind(n, { at }) : partition()], ...over(at, i) })
  })

describe('the judgement of a consumer', () => {
  const states: [what: string, history: Observation[], state: string, why?: RegExp][] = [
    ['has been idle for a day', [seen()], 'OK', /^$/],
    [
      'got its first event after a day of idleness a moment ago',
      [seen({ partitions: [partition({ head: 1_001, events: 1, oldestAt: NOW - SECOND })] })],
      'OK',
    ],
    [
      'did not apply the first event after a day of idleness for twelve seconds',
      [seen({ partitions: [partition({ partition: 7, head: 1_001, events: 1, oldestAt: NOW - 12 * SECOND })] })],
      'STUCK',
      /partition 7 for 12 s, and 1 event waits there.*projector 4711 on here/,
    ],
    [
      'is far behind and applied something a second ago',
      [seen({ partitions: [behind(100_000, { oldS: 3_600 })] })],
      'CATCHING_UP',
      /100,000 events behind/,
    ],
    [
      'is far behind and applied nothing for ten seconds',
      [seen({ partitions: [partition(), behind(3, { partition: 5, oldS: 90, movedS: 10 })] })],
      'STUCK',
      /partition 5 for 10 s, and 3 events wait/,
    ],
    [
      'died with nothing to do',
      [seen({ owner: owner({ isAlive: false }) })],
      'GONE',
      /gone: projector 4711 on here.*Nothing waits yet/,
    ],
    [
      'was killed this second with events before it',
      [seen({ owner: owner({ isAlive: false, beatAt: NOW }), partitions: [behind(4, { oldS: 2 })] })],
      'GONE',
      /4 events wait, the oldest for 2 s/,
    ],
    ['was never run', [seen({ owner: null })], 'GONE', /No process of projector/],
    ['is frozen with nothing to do', [seen({ owner: owner({ beatAt: NOW - 7 * SECOND }) })], 'STUCK', /no sign of life for 7 s/],
    [
      'is frozen with events before it',
      [seen({ owner: owner({ beatAt: NOW - 7 * SECOND }), partitions: [behind(4, { partition: 3, oldS: 6 })] })],
      'STUCK',
      /projector 4711 on here gives no sign of life for 7 s.*4 events wait, the oldest for 6 s in partition 3/,
    ],
    ['was silent for as long as a beat may take', [seen({ owner: owner({ beatAt: NOW - 5 * SECOND }) })], 'OK'],
    [
      'says that it has paused',
      [seen({ owner: owner({ paused: { cause: 'the queue is away', since: NOW - 40 * SECOND } }), partitions: [behind(2)] })],
      'PAUSED',
      /paused for 40 s.*says: the queue is away/,
    ],
    [
      'paused and stands still: what it says itself is the better reason',
      [seen({ owner: owner({ paused: { cause: 'no', since: NOW - 40 * SECOND } }), partitions: [behind(2, { movedS: 40 })] })],
      'PAUSED',
    ],
    [
      'paused, took its work up again and has nothing to do',
      [seen({ owner: owner({ paused: { cause: 'no', since: NOW - 40 * SECOND, resumed: true } }) })],
      'OK',
    ],
    [
      'paused, took its work up again and has not done it yet',
      [seen({ owner: owner({ paused: { cause: 'no', since: NOW - 40 * SECOND, resumed: true } }), partitions: [behind(1)] })],
      'PAUSED',
    ],
    [
      'has parked something',
      [seen({ parked: { streams: 2, events: 5, oldestAt: NOW - 3_600 * SECOND } })],
      'PARKED',
      /2 streams are held up with 5 events, the oldest for 60 min/,
    ],
    [
      'has parked something, and has paused',
      [seen({ parked: { streams: 2, events: 5, oldestAt: NOW }, owner: owner({ paused: { cause: 'no', since: NOW } }) })],
      'PAUSED',
    ],
    [
      'has parked something, and stands still',
      [seen({ parked: { streams: 2, events: 5, oldestAt: NOW }, partitions: [behind(3, { movedS: 11 })] })],
      'STUCK',
    ],
    [
      'has parked something, and is gone',
      [seen({ parked: { streams: 2, events: 5, oldestAt: NOW }, owner: owner({ isAlive: false }) })],
      'GONE',
    ],
    [
      'stands before the beginning of the log',
      [seen({ partitions: [behind(10, { partition: 2, pos: 40, lost: 120 })] })],
      'STUCK',
      /position 40 of partition 2.*at least 120 events are lost that it never applied/,
    ],
    [
      'paused, and stands before the beginning of the log: what it says itself is the better reason',
      [
        seen({
          owner: owner({ paused: { cause: 'no', since: NOW } }),
          partitions: [behind(10, { partition: 2, pos: 40, lost: 120 })],
        }),
      ],
      'PAUSED',
    ],
    [
      'is being rebuilt and stands still: the new table will be up to date',
      [seen({ isRebuilding: true, partitions: [behind(3, { movedS: 20 })] })],
      'REBUILDING',
    ],
    ['is being rebuilt', [seen({ isRebuilding: true })], 'REBUILDING'],
    ['cannot be read', [seen({ problem: 'no such table' })], 'UNKNOWN', /no such table/],
    [
      'has a partition that cannot be read',
      [seen({ partitions: [partition(), partition({ partition: 4, events: undefined, problem: 'broker 2 is away' })] })],
      'UNKNOWN',
      /Partition 4 cannot be read: broker 2 is away/,
    ],
    [
      'has a partition that cannot be read, and another that stands still',
      [seen({ partitions: [behind(3, { movedS: 20 }), partition({ partition: 4, events: undefined, problem: 'away' })] })],
      'STUCK',
    ],
    [
      'gets nothing while the head of the log moves on: the relay is dead',
      [seen({ unreached: { events: 9, oldestAt: NOW - 20 * SECOND } })],
      'UNKNOWN',
      /9 events of vidwiz.notes have not reached it: the relay has not published the oldest for 20 s/,
    ],
    [
      'does not run here, as it is meant',
      [seen({ owner: null, leftOut: 'left out by VIDWIZ_WITHOUT', partitions: [behind(3, { movedS: 900 })] })],
      'OK',
      /left out by VIDWIZ_WITHOUT. 3 events wait/,
    ],
  ]
  for (const [what, history, state, why] of states)
    it(`is ${state} of one that ${what}`, () => {
      const judged = judge(history)
      expect(judged.state, judged.why).to.equal(state)
      if (why) expect(judged.why).to.match(why)
    })

  const growing = Array.from({ length: 60 }, (_, i) => 1_000 + i * 50)
  const shrinking = growing.toReversed()

  it('is FALLING_BEHIND of one that gets more than it applies, and says how much more', () => {
    const judged = judge(course(growing))
    expect(judged).to.include({ state: 'FALLING_BEHIND', trend: 1, etaSeconds: null, events: 3_950, seconds: 30 })
    expect(judged.why).to.contain('3,000 more each minute')
  })

  it('is UNKNOWN, and not FALLING_BEHIND, of one that gets nothing of what comes for half a minute', () => {
    const looks = Array.from({ length: 31 }, (_, i) => {
      const at = NOW - (30 - i) * SECOND
      return seen({ at, unreached: { events: i + 1, oldestAt: NOW - 40 * SECOND } })
    })
    const { state, why } = judge(looks)
    expect([state, why]).to.satisfy(
      ([said, why]: [string, string]) => said === 'UNKNOWN' && /^31 events .* not reached it/.test(why),
    )
  })

  it('does not take one dip for the end of it', () => {
    const dipped = growing.with(-1, 0).with(-2, 0)
    expect(judge(course([...dipped.slice(2), growing.at(-1)!, growing.at(-1)!])).state).to.equal('FALLING_BEHIND')
    expect(judge(course(growing.with(30, 0))).state).to.equal('FALLING_BEHIND')
  })

  it('is FALLING_BEHIND of one that keeps its distance: it will never be there', () =>
    expect(judge(course(Array(60).fill(5_000)))).to.include({ state: 'FALLING_BEHIND', trend: 0, etaSeconds: null }))

  it('is CATCHING_UP of one that comes nearer, and says when it is there', () => {
    const judged = judge(course(shrinking))
    expect(judged).to.include({ state: 'CATCHING_UP', trend: -1 })
    expect(judged.etaSeconds).to.be.closeTo(20, 0.5)
    expect(judged.why).to.match(/1,000 events behind, done in about 20 s/)
  })

  it('takes the time until it is there from the slowest partition', () => {
    const history = course(shrinking, (at, i) => ({
      partitions: [behind(shrinking[i]!, { at }), behind(4_000 - i * 10, { at, partition: 1 })],
    }))
    expect(judge(history).etaSeconds).to.be.closeTo(341, 1)
  })

  it('gives no time while one partition does not come nearer', () => {
    const history = course(shrinking, (at, i) => ({
      partitions: [behind(shrinking[i]!, { at }), behind(700, { at, partition: 1 })],
    }))
    expect(judge(history)).to.include({ state: 'CATCHING_UP', etaSeconds: null })
  })

  it('says that a few events more or less are no trend', () =>
    expect(judge(course(growing.map((_, i) => 2_000 + (i % 3)))).trend).to.equal(0))

  it('says that it is too early for a trend, rather than one of nothing', () => {
    expect(judge(course([3_000])).trend).to.equal(null)
    expect(judge(course([3_000, 2_000])).trend).to.equal(null)
    expect(judge(course([1_000, 2_000, 3_000])).state).to.equal('CATCHING_UP')
  })

  it('tells how many events per second it applies, also while as many come', () => {
    const history = course(Array(11).fill(100), (at, i) => ({ partitions: [behind(100, { at, total: 1_000 + i * 40 })] }))
    expect(judge(history).rate).to.equal(40)
    expect(judge(history.slice(-1)).rate).to.equal(null)
  })

  it('is REWOUND of one that went back, until it has regained its place', () => {
    const at = (pos: number, ago: number) => seen({ at: NOW - ago * SECOND, partitions: [partition({ partition: 6, pos })] })
    const judged = judge([at(900, 3), at(200, 2), at(300, 0)])
    expect(judged).to.include({ state: 'REWOUND', partition: 6 })
    expect(judged.why).to.contain('from position 900 to 300 in partition 6')
    expect(judge([at(900, 3), at(200, 2), at(900, 0)]).state).to.equal('OK')
    // What is older than a minute counts for as long as it is remembered.
    expect(judge([at(900, 300), at(300, 0)]).state).to.equal('REWOUND')
    expect(isAhead(at(900, 300), at(300, 0))).to.equal(true)
    expect(isAhead(at(900, 300), at(900, 0))).to.equal(false)
  })

  it('never gives a number that is none, nor less than nothing, nor nothing for what is not known', () => {
    const odd = [
      seen({ partitions: [] }),
      seen({ partitions: [behind(1, { oldS: -5, movedS: -5 })] }),
      seen({ partitions: [partition({ events: undefined }), behind(5)] }),
      seen({ partitions: [partition({ movedAt: null, total: undefined })] }),
      seen({ problem: 'away', partitions: [] }),
    ]
    for (const one of odd.flatMap((a) => odd.map((b) => [{ ...a, at: NOW - 1 }, b]))) {
      const judged = judge(one)
      for (const value of [judged.events, judged.seconds, judged.rate, judged.etaSeconds])
        if (value !== null) expect(value).to.be.at.least(0).and.to.be.finite
    }
    expect(judge([odd[2]!])).to.include({ events: null, seconds: null })
    expect(judge([odd[4]!])).to.include({ events: null, seconds: null, state: 'UNKNOWN' })
  })

  it('tells time spans as people do', () =>
    expect([0, 45, 119, 120, 7_199, 7_200, 200_000].map((s) => ago(s * SECOND))).to.deep.equal([
      '0 s',
      '45 s',
      '119 s',
      '2 min',
      '119 min',
      '2 h',
      '2 d',
    ]))
})
