import { expect } from 'chai'
import { type Point, slopeOf, trendOf } from '#platform/log/consumers/trend.ts'

const points = (...values: number[]): Point[] => values.map((value, i) => [i * 2_000, value])

describe('a trend', () => {
  it('is the slope of the nearest line, in units per second', () => {
    expect(slopeOf(points(0, 10, 20, 30))).to.equal(5)
    expect(slopeOf(points(0, 30, 0, 30))).to.be.closeTo(3, 1e-9)
  })
  it('is not known from few points, or from points that are close together', () => {
    expect(slopeOf(points(0, 10, 20))).to.equal(null)
    expect(slopeOf([0, 1, 2, 3].map((n): Point => [n * 1_000, n]))).to.equal(null)
    expect(slopeOf(Array<Point>(9).fill([5, 5]))).to.equal(null)
  })
  it('has a dead band that grows with what is measured', () => {
    expect(trendOf(points(0, 1, 2, 3))).to.equal(0)
    expect(trendOf(points(0, 10, 20, 30))).to.equal(1)
    expect(trendOf(points(30, 20, 10, 0))).to.equal(-1)
    expect(trendOf(points(100_000, 100_010, 100_020, 100_030))).to.equal(0)
  })
})
