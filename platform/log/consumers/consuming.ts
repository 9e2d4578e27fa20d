import type { Recorded } from '#events/kit/envelope.ts'
import type { SpanDetails } from '../../telemetry/tracing/tracing.ts'

/** Tracing span of a consumer that handles a batch. Its `from` names the spans that appended the events. */
export const consuming = (
  operation: 'project' | 'react',
  { consumer, topic }: { consumer: string; topic: string },
  batch: readonly Recorded[],
): SpanDetails => ({
  name: `${operation} ${consumer}`,
  kind: 'consumer',
  attributes: {
    // The same on the embedded log and on Kafka.
    'messaging.system': 'vidwiz',
    'messaging.operation.type': 'process',
    'messaging.operation.name': operation,
    'messaging.destination.name': topic,
    'messaging.consumer.group.name': consumer,
    'messaging.batch.message_count': batch.length,
  },
  from: originsOf(batch),
})

/** The `traceparent`s of events. A generator, because only the first few of a large batch are read. */
function* originsOf(batch: readonly Recorded[]): Generator<string | null> {
  for (const { traceparent } of batch) yield traceparent
}
