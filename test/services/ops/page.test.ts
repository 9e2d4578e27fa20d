import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { consumerLook, lookOf } from '#test/kit/looks.ts'
import { count, duration, moment, rate } from '../../../services/ops/page/format.ts'
import { linesOf } from '../../../services/ops/page/parts/lines.ts'
import { hrefTo, placeOf } from '../../../services/ops/page/routing.ts'
import { type History, historyOf, keyOf, remember } from '../../../services/ops/page/screens/first/history.ts'
import { settle } from '../../../services/ops/page/screens/first/order.ts'
import { openPageFiles } from '../../../services/ops/page-files.ts'

const NOT_KNOWN = [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]

describe('the page', () => {
  it('has at most 60 KB of script, gzipped, all libraries included', () => {
    const files = openPageFiles(join(import.meta.dirname, '../../../services/ops/page'))
    const scripts = files.paths().filter((path) => /\.(ts|js)$/.test(path))
    const bytes = scripts.reduce((sum, path) => sum + gzipSync(files.find(path)!.body).length, 0)
    expect(scripts).to.include.members(['/page/main.ts', '/lib/preact.js'])
    expect(bytes).to.be.lessThan(60_000)
  })

  it('asks for nothing beyond its server', () => {
    const files = openPageFiles(join(import.meta.dirname, '../../../services/ops/page'))
    for (const path of files.paths().filter((path) => path === '/' || path.startsWith('/page/'))) {
      const text = files.find(path)!.body.replaceAll('http://www.w3.org/2000/svg', '')
      expect(text, path).to.not.match(/https?:\/\/|@import|innerHTML|insertAdjacentHTML/)
    }
  })
})

describe('numbers on the page', () => {
  it('are a dash where they are not known, never NaN and never 0', () => {
    for (const write of [count, rate, duration, moment])
      expect(NOT_KNOWN.map((value) => write(value))).to.deep.equal(['–', '–', '–', '–'])
  })

  it('have their thousands apart', () => expect(count(1_234_567)).to.equal('1,234,567'))

  it('tell lengths of time in their two largest units', () => {
    const all = [0, 0.02, 0.44, 12.9, 60, 200, 7_500, 273_600, -3].map(duration)
    expect(all).to.deep.equal(['0 s', '<0.1 s', '0.4 s', '12 s', '1 min', '3 min 20 s', '2 h 5 min', '3 d 4 h', '0 s'])
  })

  it('tell rates with the digits that say something', () => {
    expect([0, 0.02, 2.34, 9_876.5].map(rate)).to.deep.equal(['0', '<0.1', '2.3', '9,877'])
  })
})

describe('the order of rows', () => {
  it('is the worst first while nobody points at them', () => {
    expect(settle(['a', 'b'], ['c', 'b', 'a'], false)).to.deep.equal(['c', 'b', 'a'])
  })

  it('stays while somebody does: who is new comes last, who is well again leaves', () => {
    expect(settle(['a', 'b', 'd'], ['c', 'b', 'a'], true)).to.deep.equal(['a', 'b', 'c'])
  })
})

describe('addresses of the page', () => {
  it('lead back to the place that they were made of', () => {
    for (const rest of ['note-42', 'a/b', '50 %', '<img src=x>', 'ü?&#'])
      expect(placeOf(hrefTo('story', rest, { view: 'a&b' }))).to.deep.include({ screen: 'story', rest })
    expect(placeOf(hrefTo('parked', '', { consumer: 'a&b=c' })).query.get('consumer')).to.equal('a&b=c')
  })

  it('that are broken lead somewhere all the same', () => {
    expect(placeOf('#/story/%E0%A4%A')).to.deep.include({ screen: 'story', rest: '%E0%A4%A' })
    expect(placeOf('')).to.deep.include({ screen: '', rest: '' })
  })
})

describe('the history of a consumer', () => {
  const at = 1_800_000_000_000
  const one = (events: number | null, atMs: number) =>
    lookOf([consumerLook('notes', { events, history: [1, null, events] })], { at: atMs })

  it('begins with the minute that the first look brings and grows with each look, what is not known is a gap', () => {
    const histories = new Map<string, History>()
    remember(one(3, at), histories)
    remember(one(null, at + 1_000), histories)
    remember(one(null, at + 1_000), histories)
    const { at: moments, events } = histories.get(keyOf(consumerLook('notes')))!
    expect(events).to.deep.equal([1, null, 3, null])
    expect(moments.map((moment) => moment - at / 1_000)).to.deep.equal([-2, -1, 0, 1])
  })

  it('stays bounded', () => {
    const histories = new Map<string, History>()
    for (let i = 0; i < 4_000; i++) remember(one(i, at + i * 1_000), histories)
    const [history] = histories.values()
    expect(history!.at.length).to.equal(history!.events.length).and.to.be.at.most(1_800)
    expect(history!.events.at(-1)).to.equal(3_999)
  })

  it('of one that was never seen is empty', () => expect(historyOf('nobody')).to.deep.equal({ at: [], events: [] }))
})

describe('a line through values', () => {
  const size = { width: 1_000, height: 102 }

  it('has a gap where one was not known, and its times as they were', () => {
    const lines = linesOf({ at: [10, 11, 12, 13, 20], values: [0, 5, null, Number.NaN, 10], ...size })
    expect(lines).to.deep.equal([
      { path: 'M0.0 101.0L100.0 51.0', from: '0.0', to: '100.0' },
      { path: 'M1000.0 1.0', from: '1000.0', to: '1000.0' },
    ])
  })

  it('lies on the ground where all are zero', () => {
    expect(linesOf({ at: [0, 1], values: [0, 0], ...size })[0]!.path).to.equal('M0.0 101.0L1000.0 101.0')
  })

  it('of one value, or of none, is no error', () => {
    expect(linesOf({ at: [10], values: [1], ...size })).to.deep.equal([{ path: 'M0.0 1.0', from: '0.0', to: '0.0' }])
    expect(linesOf({ at: [], values: [], ...size })).to.deep.equal([])
  })
})
