import type { Instrumentation } from '@opentelemetry/instrumentation'
import { AwsInstrumentation } from '@opentelemetry/instrumentation-aws-sdk'
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { KafkaJsInstrumentation } from '@opentelemetry/instrumentation-kafkajs'
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'

/** Packages hooked when ES modules import them; what these packages `require` in turn is hooked automatically. */
export const HOOKED = ['http', 'https', 'express', 'pg', 'kafkajs', '@aws-sdk/client-sqs', '@aws-sdk/client-s3']

/** Paths of monitoring, which are requested all day and are not traced. */
const WATCHING = /^\/(metrics|health|v2\/health)\b/

/**
 * The instrumented libraries. Outgoing requests are traced only within a span of some work, so an idle process sends no spans.
 */
export const instrumentations = (): Instrumentation[] => [
  new HttpInstrumentation({
    requireParentforOutgoingSpans: true,
    ignoreIncomingRequestHook: ({ url = '' }) => WATCHING.test(url),
  }),
  new ExpressInstrumentation(),
  new UndiciInstrumentation({ requireParentforSpans: true }),
  new PgInstrumentation({
    requireParentSpan: true,
    ignoreConnectSpans: true,
    // Our statements are identified by name, others by their first word. The text is left out: it is long and may contain anything.
    requestHook(span, { query: { name, text } }) {
      const summary = name ?? firstWord(text)
      span.updateName(`postgres ${summary}`).setAttribute('db.query.summary', summary)
    },
  }),
  new AwsInstrumentation({ suppressInternalInstrumentation: true }),
  // This creates a span for each message and replaces the message's origin by the Kafka hop, so relay and followers run without it.
  new KafkaJsInstrumentation(),
]

const firstWord = (text: string): string => /^\s*(\w*)/.exec(text)![1]!.toLowerCase()
