import type { Topic } from '#events/kit/stream.ts'
import { ai, conversations, media, notes, tasks, topics, users, videos } from '#events/topics.ts'
import type { Settings } from '#platform/config/settings.ts'
import type { Observation } from '#platform/log/consumers/state.ts'
import { kafkaOptions } from '#platform/log/kafka/options.ts'
import { views } from '#projections/index.ts'
import { leftOut } from '../kit/left-out.ts'

/** A consumer of one topic that should exist. */
export interface Expected extends Pick<Observation, 'consumer' | 'kind' | 'service' | 'leftOut'> {
  /** Undefined for the relay, which reads all topics. */
  topic: Topic | undefined
}

/** Services that react to events; each is a consumer of that name. A test compares this list with what the services declare. */
export const REACTORS: readonly { service: string; kind: 'reactor' | 'bridge'; topics: readonly Topic[] }[] = [
  { service: 'fetch-scheduler', kind: 'reactor', topics: [notes, conversations] },
  { service: 'ai-notes', kind: 'reactor', topics: [notes, videos, users] },
  { service: 'summaries', kind: 'reactor', topics: [videos] },
  { service: 'media-scheduler', kind: 'reactor', topics: [tasks] },
  { service: 'sqs-bridge', kind: 'bridge', topics: [ai] },
  { service: 'media-bridge', kind: 'bridge', topics: [media] },
]

/** All consumers of an installation, including those that never ran. For those that the settings leave out, `leftOut` says why. */
export function expectedOf(settings: Settings): Expected[] {
  const { services, idle } = leftOut(settings)
  const reasonFor = (service: string) =>
    services.has(service)
      ? (idle.find(({ what }) => what === service)?.why ?? idle.at(-1)?.why ?? 'the settings leave it out')
      : undefined
  return [
    ...(kafkaOptions(settings) ? [{ consumer: 'relay', kind: 'relay', service: 'relay', topic: undefined } as const] : []),
    ...views.map(({ name, topic }) => ({ consumer: name, kind: 'view', service: 'projector', topic }) as const),
    ...REACTORS.flatMap(({ service, kind, topics }) =>
      topics.map((topic): Expected => ({ consumer: service, kind, service, topic, leftOut: reasonFor(service) })),
    ),
  ]
}

/** A topic of ours by its name. */
export const topicNamed = (name: string): Topic | undefined => topics.find((topic) => topic.name === name)
