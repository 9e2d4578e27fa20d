import { expect } from 'chai'
import { openMetrics } from '#platform/telemetry/metrics.ts'

describe('the figures of a process', () => {
  it('are counted, measured and asked for', async () => {
    const metrics = openMetrics()
    const count = metrics.counter({ name: 'things_total', help: 'Things', labels: ['kind'] })
    const measure = metrics.histogram({ name: 'wait_seconds', help: 'Waits', labels: [], buckets: [1, 5] })
    let stand = 1
    metrics.gauge({ name: 'stand', help: 'Stand', labels: ['of'] }, async () => [{ labels: { of: `n${stand}` }, value: stand }])
    count({ kind: 'a' })
    count({ kind: 'a' }, 2)
    measure({}, 3)
    const first = await metrics.read()
    for (const line of ['things_total{kind="a"} 3', 'wait_seconds_bucket{le="5"} 1', 'wait_seconds_sum 3', 'stand{of="n1"} 1'])
      expect(first.split('\n')).to.include(line)
    stand = 2
    const second = await metrics.read()
    expect(second).to.include('stand{of="n2"} 2').and.not.to.include('stand{of="n1"}')
  })

  it('may be the same figures of several services in one process', async () => {
    const metrics = openMetrics()
    for (const name of ['a', 'b']) {
      metrics.gauge({ name: 'stand', help: 'Stand', labels: ['of'] }, () => [{ labels: { of: name }, value: 1 }])
      metrics.counter({ name: 'things_total', help: 'Things', labels: ['of'] })({ of: name })
      metrics.histogram({ name: 'wait_seconds', help: 'Waits', labels: ['of'], buckets: [1] })({ of: name }, 1)
    }
    const lines = (await metrics.read()).split('\n')
    for (const name of ['a', 'b'])
      expect(lines).to.include.members([
        `stand{of="${name}"} 1`,
        `things_total{of="${name}"} 1`,
        `wait_seconds_count{of="${name}"} 1`,
      ])
  })

  it('leave out what cannot be had, and say so', async () => {
    const metrics = openMetrics()
    let isAway = true
    metrics.gauge({ name: 'far', help: 'Far', labels: [] }, async () => {
      if (isAway) throw new Error('the database is away')
      return [{ labels: {}, value: 7 }]
    })
    metrics.gauge({ name: 'near', help: 'Near', labels: [] }, () => [{ labels: {}, value: 1 }])
    const lines = (await metrics.read()).split('\n')
    expect(lines).to.include('near 1')
    expect(lines.filter((line) => /^far /.test(line))).to.deep.equal([])
    isAway = false
    const later = (await metrics.read()).split('\n')
    expect(later).to.include('far 7').and.to.include('vidwiz_metrics_failed_total{name="far"} 1')
  })
})
