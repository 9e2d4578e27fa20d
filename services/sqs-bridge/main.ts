import type { Settings } from '#platform/config/settings.ts'
import { changedSince } from '#platform/log/postgres/versions.ts'
import { service, Trouble } from '#platform/service.ts'
import { queueMetrics } from '#platform/sqs/metrics.ts'
import { openQueues } from '#platform/sqs/open.ts'
import { stopping } from '#platform/stopping.ts'
import { runReactor } from '../kit/reactor-service.ts'
import { sqsBridge } from './bridge.ts'
import type { QueueName } from './messages.ts'
import { QUEUE_SETTINGS } from './paused.ts'
import { openPost } from './post.ts'

/** @throws Trouble naming the variables that are missing */
function urlsOf(settings: Settings): Record<QueueName, string> {
  const missing = Object.values(QUEUE_SETTINGS).filter((name) => !settings[name])
  if (missing.length > 0) throw new Trouble(`${missing.join(' and ')} must be set: where the questions for models go`)
  const urlOf = (queue: QueueName) => settings[QUEUE_SETTINGS[queue]]!
  return { 'ai-notes': urlOf('ai-notes'), summaries: urlOf('summaries') }
}

export default service('sqs-bridge', (log, _, metrics) =>
  runReactor('sqs-bridge', { log, metrics }, async ({ settings, db, execute }) => {
    const urls = urlsOf(settings)
    const queues = await openQueues(settings)
    queueMetrics(metrics, queues, Object.values(urls))
    const refused = metrics.counter({
      name: 'vidwiz_bridge_refused_total',
      help: 'Messages that a queue did not take; each is counted every time',
      labels: ['queue', 'code'],
    })
    const end = stopping()
    const post = openPost({
      queues,
      urls,
      stopping: end,
      onRefused: (queue, messages, { code }) => refused({ queue, code }, messages),
    })
    return {
      reactor: sqsBridge({ execute, changedSince: (seen) => changedSince(db, seen), post }),
      // What is under way is sent and recorded; waiting ends, and nothing else begins.
      stopping: end.stop,
      stop: () => queues.close(),
    }
  }),
)
