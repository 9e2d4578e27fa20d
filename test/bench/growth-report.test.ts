import { expect } from 'chai'
import { type Grown, growthPlot, growthTable } from '../../bench/kit/growth-report.ts'

const at = (events: number, value: number, streams = events * 0.6): Grown => ({
  name: 'append',
  unit: 'ms',
  value,
  log: { events, streams },
})

describe('the report of growth', () => {
  it('gives the factor per tenfold length over all lengths, and leaves out logs with other numbers of streams', () => {
    const table = growthTable([at(10_000, 1), at(100_000, 3), at(1_000_000, 4), at(1_000_000, 900, 1_000)])
    const cells = table
      .split('\n')
      .at(-1)!
      .split('|')
      .map((cell) => cell.trim())
    expect(cells).to.deep.equal(['', 'append, ms', '1', '3', '4', '× 2.00', '900', ''])
  })

  it('draws a flat cost as a flat line, and one that grows with the log along the dashed line', () => {
    const heights = (values: number[]) => {
      const plot = growthPlot(values.map((value, i) => at(10_000 * 10 ** i, value)))
      const pathOf = (end: string) => new RegExp(`d="M([^"]+)"${end}`).exec(plot)![1]!.split('L')
      const yOf = (point: string) => point.split(' ')[1]
      return { cost: pathOf(' stroke').map(yOf), linear: pathOf('/>\n<path d').map(yOf) }
    }
    expect(new Set(heights([5, 5, 5]).cost).size).to.equal(1)
    const { cost, linear } = heights([5, 50, 500])
    expect([cost[0], cost.at(-1)]).to.deep.equal(linear)
  })
})
