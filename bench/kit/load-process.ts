import autocannon from 'autocannon'
import type { Load, LoadReport } from './load.ts'
import { percentile } from './measure.ts'

// The load generator runs in a separate process, so that its cost is not measured.
process.once('message', async ({ requests, ...load }: Load) => {
  const tookMs: number[] = []
  const bad = new Map<number, number>()
  let clients = 0
  const running = autocannon({
    ...load,
    requests,
    // Start at different requests, otherwise all connections send the same one at the same time.
    setupClient(client) {
      const from = (clients++ * 37) % requests.length
      client.setRequests([...requests.slice(from), ...requests.slice(0, from)])
    },
  })
  running.on('response', (_, status, __, took) => {
    tookMs.push(took)
    if (status < 200 || status > 299) bad.set(status, (bad.get(status) ?? 0) + 1)
  })
  const { errors, timeouts, duration } = await running
  const report: LoadReport = {
    perSecond: tookMs.length / duration,
    msP50: percentile(tookMs, 0.5),
    msP99: percentile(tookMs, 0.99),
    failed: errors + timeouts + [...bad.values()].reduce((sum, count) => sum + count, 0),
    failures: [...bad].map(([status, count]) => `${count} × ${status}`).join(', '),
  }
  process.send!(report)
  process.disconnect()
})
