import { STATES } from '#platform/log/consumers/state.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { Metrics, Sample } from '#platform/telemetry/metrics.ts'
import type { ConsumerLook, Look } from '#services/operations/look.ts'

/** Counts operators' acts. Acts and outcomes have few values, so labels stay few. */
const ACTIONS = `
  select act, coalesce(outcome, 'running') as outcome, count(*) as actions from views.operations group by 1, 2`

export interface LookMetricsOptions {
  db: Queryable
  /** How long, in days, the database keeps published events; undefined: for ever. */
  keepDays?: number | undefined
}

/**
 * Exports the page's look to Prometheus, so that both report the same of a consumer. A consumer that is not expected to run here
 * and does not run has no samples. Figures that cannot be read have none either: unknown is never exported as 0.
 * @param latest resolves with the newest look; called for each gauge
 */
export function lookMetrics(metrics: Metrics, latest: () => Promise<Look>, { db, keepDays }: LookMetricsOptions): void {
  const consumers = async (): Promise<ConsumerLook[]> => {
    const { consumers } = await latest()
    if (consumers.problem !== undefined) throw new Error(consumers.problem)
    return consumers.value.filter(({ isLeftOut }) => !isLeftOut)
  }
  const labels = ['consumer', 'topic'] as const
  const perConsumer = (name: string, help: string, figure: (one: ConsumerLook, look: Look) => number | null) =>
    metrics.gauge({ name, help, labels }, async () => {
      const look = await latest()
      return (await consumers()).flatMap((one): Sample<'consumer' | 'topic'>[] => {
        const value = figure(one, look)
        return value === null ? [] : [{ labels: { consumer: one.consumer, topic: one.topic }, value }]
      })
    })

  metrics.gauge(
    {
      name: 'vidwiz_consumer_state',
      help: 'State of a consumer: 1 for its present state, 0 for the others',
      labels: ['consumer', 'topic', 'state'],
    },
    async () =>
      (await consumers()).flatMap(({ consumer, topic, state: present }) =>
        STATES.map((state) => ({ labels: { consumer, topic, state }, value: state === present ? 1 : 0 })),
      ),
  )
  perConsumer('vidwiz_consumer_expected', 'Consumers that should run, also those that never ran', () => 1)
  perConsumer('vidwiz_consumer_last_progress_seconds', 'Time since it last applied an event', ({ partitions }, { at }) => {
    const moved = partitions.flatMap(({ movedAt }) => movedAt ?? [])
    return moved.length > 0 ? Math.max(0, at - Math.max(...moved)) / 1_000 : null
  })
  perConsumer(
    'vidwiz_consumer_lost_events',
    'Events that it has not applied and that the log does not have any more: at least so many',
    ({ partitions }) => partitions.reduce((sum, { lost = 0 }) => sum + lost, 0),
  )
  metrics.gauge(
    { name: 'vidwiz_retention_seconds', help: 'How long the database keeps what was published; absent: for ever', labels: [] },
    () => (keepDays === undefined ? [] : [{ labels: {}, value: keepDays * 86_400 }]),
  )
  metrics.gauge(
    {
      name: 'vidwiz_queue_oldest_seconds',
      help: 'Age of the oldest message of a queue, where its server tells',
      labels: ['queue'],
    },
    async () => {
      const { queues } = await latest()
      if (queues.problem !== undefined) throw new Error(queues.problem)
      return queues.value.flatMap(({ queue, oldestSeconds }) =>
        oldestSeconds === null ? [] : [{ labels: { queue }, value: oldestSeconds }],
      )
    },
  )
  perConsumer(
    'vidwiz_consumer_parked_streams',
    'Streams that are held up by an event that it could not apply',
    ({ parked }) => parked.streams,
  )
  perConsumer('vidwiz_consumer_parked_oldest_seconds', 'How long the first of them has been held up', ({ parked }, { at }) =>
    parked.oldestAt === null ? 0 : Math.max(0, at - parked.oldestAt) / 1_000,
  )
  perConsumer('vidwiz_consumer_applied_total', 'Events that it has applied since the beginning of the log', ({ partitions }) =>
    partitions.some(({ total, events }) => total === undefined || events === undefined)
      ? null
      : partitions.reduce((sum, { total, events }) => sum + total! - events!, 0),
  )
  metrics.gauge(
    {
      name: 'vidwiz_owner_heartbeat_age_seconds',
      help: 'Since the process that owns a consumer gave its last sign of life',
      labels: ['consumer'],
    },
    async () => {
      const look = await latest()
      const ages = new Map<string, number>()
      for (const { consumer, owner } of await consumers())
        if (owner) ages.set(consumer, Math.max(ages.get(consumer) ?? 0, (look.at - owner.beatAt) / 1_000))
      return [...ages].map(([consumer, value]) => ({ labels: { consumer }, value }))
    },
  )
  metrics.gauge(
    { name: 'vidwiz_log_head', help: 'Position of the last event of a topic that can be read', labels: ['topic'] },
    async () => {
      const heads = new Map<string, number>()
      for (const { topic, kind, partitions } of await consumers()) {
        if (kind === 'relay' || partitions.some(({ problem }) => problem !== undefined)) continue
        heads.set(topic, Math.max(heads.get(topic) ?? 0, ...partitions.map(({ head }) => head)))
      }
      return [...heads].map(([topic, value]) => ({ labels: { topic }, value }))
    },
  )
  const perReplay = (name: string, help: string, figure: (one: { events: number; total: number }) => number) =>
    metrics.gauge({ name, help, labels: ['view', 'act'] }, async () => {
      const { replays } = await latest()
      if (replays.problem !== undefined) throw new Error(replays.problem)
      // Replays of the same view and act are summed: an id as a label would add a series per replay.
      return [...Map.groupBy(replays.value, ({ view, act }) => `${view} ${act}`).values()].map((all) => ({
        labels: { view: all[0]!.view, act: all[0]!.act },
        value: all.reduce((sum, one) => sum + figure(one), 0),
      }))
    })
  perReplay('vidwiz_replay_events_done', 'Events that running replays have read', ({ events }) => events)
  perReplay('vidwiz_replay_events_total', 'Events that running replays have to read', ({ total }) => total)
  metrics.gauge(
    { name: 'vidwiz_operator_actions_total', help: 'What people did to the system', labels: ['act', 'outcome'] },
    async () =>
      (await db.query<{ act: string; outcome: string; actions: number }>('ops.actions', ACTIONS)).map(
        ({ act, outcome, actions }) => ({ labels: { act, outcome }, value: actions }),
      ),
  )
}
