import { expect } from 'chai'
import { queueMetrics } from '#platform/sqs/metrics.ts'
import { openQueues } from '#platform/sqs/open.ts'
import type { Queues } from '#platform/sqs/queues.ts'
import { redrive } from '#platform/sqs/redrive.ts'
import { openMetrics } from '#platform/telemetry/metrics.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freePort } from '#test/kit/free-port.ts'
import { startLocalAws, type TestLocalAws } from '#test/kit/local-aws.ts'

describe('queues with something in them', function () {
  this.timeout(60_000)
  let local: TestLocalAws
  let queues: Queues
  let url: string
  let metricsPort: number
  before(async () => {
    metricsPort = await freePort()
    local = await startLocalAws({ METRICS_PORT: String(metricsPort) })
    const settings = local.settings()
    url = settings.SQS_AI_NOTE_QUEUE_URL!
    queues = await openQueues(settings)
    const three = ['a', 'b', 'c'].map((id) => ({ id, body: id }))
    await queues.sendBatch(url, three)
    await queues.receive(url, { max: 1 })
    await queues.sendBatch(`${url}-dead`, three.slice(1))
  })
  after(async () => {
    queues?.close()
    await local?.stop()
  })

  const here = [
    'vidwiz_queue_messages{queue="vidwiz-ai-notes",state="visible"} 2',
    'vidwiz_queue_messages{queue="vidwiz-ai-notes",state="in_flight"} 1',
    'vidwiz_queue_messages{queue="vidwiz-ai-notes",state="delayed"} 0',
    'vidwiz_queue_dead_messages{queue="vidwiz-ai-notes"} 2',
  ]

  it('are shown to Prometheus, their dead letters apart; a queue that cannot be read is left out', async () => {
    const metrics = openMetrics()
    queueMetrics(metrics, queues, [url, url.replace('ai-notes', 'nowhere')])
    const text = await metrics.read()
    expect(text.split('\n')).to.include.members(here)
    expect(text).to.not.include('nowhere')
  })

  it('are shown by the service that holds them', () =>
    eventually(async () => {
      const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
      expect(text.split('\n')).to.include.members([...here, 'vidwiz_queue_dead_messages{queue="vidwiz-summaries"} 0'])
      expect((await fetch(`http://127.0.0.1:${metricsPort}/health`)).status).to.equal(200)
    }))

  it('keep their dead letters when these cannot be sent', async () => {
    const result = await redrive(queues, { from: `${url}-dead`, to: url.replace('ai-notes', 'nowhere') })
    expect(result.moved).to.equal(0)
    expect(result.stopped!.code).to.equal('QueueDoesNotExist')
    const { visible, inFlight } = await queues.attributes(`${url}-dead`)
    expect({ visible, inFlight }).to.deep.equal({ visible: 2, inFlight: 0 })
  })
})
