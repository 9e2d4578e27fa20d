import { expect } from 'chai'
import type { ConsumerLook } from '#services/operations/look.ts'
import { verdictOf, worstFirst } from '#services/operations/verdict.ts'

const one = (state: ConsumerLook['state'], over: Partial<ConsumerLook> = {}): ConsumerLook => ({
  consumer: 'notes',
  topic: 'vidwiz.notes',
  kind: 'view',
  service: 'projector',
  isLeftOut: false,
  partitions: [],
  parked: { streams: 0, events: 0, oldestAt: null },
  owner: null,
  history: [],
  state,
  why: '',
  events: 0,
  seconds: 0,
  trend: null,
  rate: null,
  etaSeconds: null,
  ...over,
})
const queue = { queue: 'q', visible: 0, inFlight: 0, delayed: 0, oldestSeconds: null, dead: 0 }
const verdict = (consumers: ConsumerLook[], dead = 0) =>
  verdictOf({ consumers: { value: consumers }, queues: { value: [{ ...queue, dead }] } })

describe('the verdict', () => {
  it('counts who needs you, and does not count what is not meant to run', () => {
    expect(verdict([one('STUCK'), one('OK'), one('PARKED')])).to.deep.equal({
      verdict: '2 of 3 consumers need you',
      isWell: false,
    })
    expect(verdict([one('GONE'), one('OK', { isLeftOut: true })]).verdict).to.equal('1 of 1 consumer needs you')
  })
  it('says how much is behind when nobody does', () => {
    expect(verdict([one('OK'), one('OK')])).to.deep.equal({ verdict: 'all is well, 0 behind', isWell: true })
    expect(verdict([one('CATCHING_UP', { events: 1_200 }), one('OK', { events: 9, isLeftOut: true })]).verdict).to.equal(
      'all is well, 1,200 behind',
    )
  })
  it('does not call well what cannot be read, nor messages that were given up', () => {
    expect(verdict([one('UNKNOWN', { events: null }), one('OK')])).to.deep.equal({
      verdict: '1 of 2 consumers cannot be read',
      isWell: false,
    })
    expect(verdict([one('OK')], 3)).to.deep.equal({
      verdict: 'consumers are well, 0 behind; 3 messages are given up',
      isWell: false,
    })
    expect(verdictOf({ consumers: { problem: 'the database is away' }, queues: { value: [] } })).to.deep.equal({
      verdict: 'nothing is known of the consumers: the database is away',
      isWell: false,
    })
  })
  it('puts the worst first, and of those that are alike the one that waits the longest', () => {
    const all = [
      one('OK'),
      one('STUCK', { seconds: 3 }),
      one('PARKED'),
      one('STUCK', { seconds: 9 }),
      one('GONE'),
      one('OK', { isLeftOut: true, seconds: 99 }),
    ]
    const sorted = all.sort(worstFirst)
    expect(sorted.map(({ state, seconds }) => [state, seconds])).to.deep.equal([
      ['GONE', 0],
      ['STUCK', 9],
      ['STUCK', 3],
      ['PARKED', 0],
      ['OK', 0],
      ['OK', 99],
    ])
  })
})
