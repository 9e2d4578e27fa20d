import type { Settings } from '#platform/config/settings.ts'
import type { Reactor } from '#platform/log/reactor/reactor.ts'
import { OperatorError, type Running } from '#platform/service.ts'
import { queueMetrics } from '#platform/sqs/metrics.ts'
import { openQueues } from '#platform/sqs/open.ts'
import { stopping } from '#platform/stopping.ts'
import type { Address } from './paused.ts'
import { openPost, type Post } from './post.ts'
import { type Ground, runReactor } from './reactor-service.ts'

type QueueSetting = Extract<keyof Settings, `SQS_${string}_QUEUE_URL`>

/** The declaration of a bridge to queues. @typeParam Q our names of the queues */
export interface BridgePlan<Q extends string> {
  /** The setting that names each queue. */
  queues: Readonly<Record<Q, QueueSetting>>
  /** Purpose of the queues, shown when they are not set. */
  purpose: string
  make(ground: Ground, post: Post<Q>): Reactor
}

/**
 * Runs a bridge to queues, with metrics of the queues.
 * @throws OperatorError that names the missing settings
 */
export const runBridge = <Q extends string>(
  name: string,
  { log, metrics }: Pick<Ground, 'log' | 'metrics'>,
  plan: BridgePlan<Q>,
): Promise<Running> =>
  runReactor(name, { log, metrics }, async (ground) => {
    const { settings } = ground
    const addresses = addressesOf(settings, plan)
    const queues = await openQueues(settings)
    queueMetrics(
      metrics,
      queues,
      Object.values<Address>(addresses).map(({ url }) => url),
    )
    const refused = metrics.counter({
      name: 'vidwiz_bridge_refused_total',
      help: 'Messages that a queue did not take; each is counted every time',
      labels: ['queue', 'code'],
    })
    const end = stopping()
    const post = openPost({
      queues,
      addresses,
      stopping: end,
      onRefused: (queue, messages, { code }) => refused({ queue, code }, messages),
    })
    return {
      reactor: plan.make(ground, post),
      // Messages under way are sent and recorded; pauses end, and nothing else begins.
      stopping: end.stop,
      stop: () => queues.close(),
    }
  })

function addressesOf<Q extends string>(settings: Settings, { queues, purpose }: BridgePlan<Q>): Record<Q, Address> {
  const named = Object.entries<QueueSetting>(queues)
  const missing = named.flatMap(([, setting]) => (settings[setting] ? [] : [setting]))
  if (missing.length > 0) throw new OperatorError(`${missing.join(' and ')} must be set: ${purpose}`)
  return Object.fromEntries(named.map(([queue, setting]) => [queue, { url: settings[setting]!, setting }])) as Record<Q, Address>
}
