import { expect } from 'chai'
import fc from 'fast-check'
import { fromMs, fromPg } from '#services/api/times.ts'

it('a time is to the second, with its offset as +0000, wherever it comes from', () => {
  expect(fromMs(Date.UTC(2026, 10, 20, 17, 13, 5, 999))).to.equal('2026-11-20T17:13:05+0000')
  expect(fromPg('2026-11-20 17:13:05.999+00')).to.equal('2026-11-20T17:13:05+0000')
  expect(fromPg('2026-11-20 17:13:05+00')).to.equal('2026-11-20T17:13:05+0000')
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date(Date.UTC(9999, 0)), noInvalidDate: true }), (date) => {
      expect(fromPg(date.toISOString().replace('T', ' ').replace('Z', '+00'))).to.equal(fromMs(date.getTime()))
    }),
  )
})
