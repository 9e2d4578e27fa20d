import type { Settings } from '#platform/config/settings.ts'
import { service, Trouble } from '#platform/service.ts'
import { queueMetrics } from '#platform/sqs/metrics.ts'
import { openQueues } from '#platform/sqs/open.ts'
import { stopping } from '#platform/stopping.ts'
import { runReactor } from '../kit/reactor-service.ts'
import { sqsBridge } from './bridge.ts'
import type { QueueName } from './messages.ts'
import { openPost } from './post.ts'

/** @throws Trouble naming the variables that are missing */
function urlsOf({ SQS_AI_NOTE_QUEUE_URL, SQS_SUMMARY_QUEUE_URL }: Settings): Record<QueueName, string> {
  const given = { SQS_AI_NOTE_QUEUE_URL, SQS_SUMMARY_QUEUE_URL }
  const missing = Object.entries(given).flatMap(([name, url]) => (url ? [] : [name]))
  if (missing.length > 0) throw new Trouble(`${missing.join(' and ')} must be set: where the questions for models go`)
  return { 'ai-notes': SQS_AI_NOTE_QUEUE_URL!, summaries: SQS_SUMMARY_QUEUE_URL! }
}

export default service('sqs-bridge', (log, _, metrics) =>
  runReactor('sqs-bridge', { log, metrics }, async ({ settings, execute }) => {
    const urls = urlsOf(settings)
    const queues = await openQueues(settings)
    queueMetrics(metrics, queues, Object.values(urls))
    const { pause, stop } = stopping()
    const post = openPost({ queues, urls, pause, onRefused: (refused) => log.warn(refused, 'a queue did not take messages') })
    return {
      reactor: sqsBridge({ execute, post }),
      // What is under way is sent and recorded; only waiting ends.
      stopping: stop,
      stop: () => queues.close(),
    }
  }),
)
