import { joined } from '../joined.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { type QueueState, withDeadLetters } from './dead-letters.ts'
import { nameOf, type Queues } from './queues.ts'

const STATES = ['visible', 'in_flight', 'delayed'] as const

/**
 * Gauges for Prometheus: messages of each queue, and its dead letters. Reads them from SQS at each scrape: one request for the queue,
 * two more for its dead-letter queue. A queue that cannot be read is left out.
 */
export function queueMetrics(metrics: Metrics, queues: Queues, urls: readonly string[]) {
  const states = async () => {
    const asked = await Promise.allSettled(urls.map((url) => withDeadLetters(queues, url)))
    const answered = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    if (answered.length === 0 && urls.length > 0) throw new Error('no queue can be read')
    return answered
  }
  // Both gauges share one read.
  const asked = joined(states)
  metrics.gauge(
    { name: 'vidwiz_queue_messages', help: 'Messages in a queue, as SQS counts them', labels: ['queue', 'state'] },
    async () => (await asked()).flatMap(({ source }) => samplesOf(source)),
  )
  metrics.gauge(
    {
      name: 'vidwiz_queue_dead_messages',
      help: 'Dead letters of a queue: messages that were received too often',
      labels: ['queue'],
    },
    async () =>
      (await asked()).flatMap(({ source, dead }) =>
        dead ? [{ labels: { queue: nameOf(source.url) }, value: dead.attributes.visible + dead.attributes.inFlight }] : [],
      ),
  )
}

const samplesOf = ({ url, attributes: { visible, inFlight, delayed } }: QueueState) => {
  const counts = { visible, in_flight: inFlight, delayed }
  return STATES.map((state) => ({ labels: { queue: nameOf(url), state }, value: counts[state] }))
}
