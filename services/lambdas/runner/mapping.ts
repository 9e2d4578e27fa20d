import { nameOf, type Queues, type Received, type Refusal, traceparentOf } from '#platform/sqs/queues.ts'
import { backoffMs, stopping } from '#platform/stopping.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import { quietly, type SpanDetails, span, traceparentOr } from '#platform/telemetry/tracing/tracing.ts'
import { type BatchOutcome, outcomeOf, sqsEvent } from './sqs-event.ts'

export interface MappingOptions {
  /** Name of the function, for the log. */
  name: string
  queues: Pick<Queues, 'receive' | 'extend' | 'delete'>
  queueUrl: string
  region: string
  batchSize: number
  /** Handles an event; throws when the function did not answer. */
  invoke(event: unknown): Promise<unknown>
  /** Ends the current invocation, which then fails. */
  giveUp(): void
  log: Logger
  onBatch?(outcome: { done: number; failed: number; elapsedMs: number }): void
  times?: Partial<Times>
}

export interface Times {
  /** Visibility timeout of messages, in seconds; extended while the function works, so it only matters after a killed runner. */
  hiddenSeconds: number
  /** Delay until a failed message comes again, given the number of its receives. */
  retrySeconds(receives: number): number
  /** Pause before the next try to reach SQS. */
  pauseMs(failures: number): number
}

/** SQS's limit for a long poll. */
const WAIT_SECONDS = 20
/** SQS errors for a receipt whose message was deleted or received by another consumer. */
const GONE = /MessageNotInflight|ReceiptHandleIsInvalid|InvalidParameterValue/

const usualTimes: Times = {
  hiddenSeconds: 30,
  // Five receives within about four minutes: a short outage of the model is retried soon, a long one only a few times.
  retrySeconds: (receives) => Math.min(180, 5 * 3 ** (receives - 1)),
  pauseMs: (failures) => backoffMs(failures, { firstMs: 500, longestMs: 30_000 }),
}

/** Feeds a function from a queue, one batch at a time, like an event source mapping on AWS. */
export interface Mapping {
  /** Stops receiving, lets the function finish its batch and deletes what is done; after `withinMs` gives the batch up. */
  stop(withinMs: number): Promise<void>
  /** Rejects when the last attempt to read the queue failed. */
  works(): Promise<void>
}

export function startMapping(options: MappingOptions): Mapping {
  const { name, queues, queueUrl, region, batchSize, invoke, giveUp, log, onBatch } = options
  const { hiddenSeconds, retrySeconds, pauseMs } = { ...usualTimes, ...options.times }
  const { signal, stopped, stop, pause } = stopping()
  let isGivenUp = false
  let failure: Error | undefined

  async function loop() {
    for (let failures = 0; !stopped(); ) {
      const messages = await receive()
      if (messages instanceof Error) {
        failures++
        await pause(pauseMs(failures))
      } else {
        failures = 0
        if (messages.length > 0)
          await span(
            () => working(name, queueUrl, messages),
            () => handle(messages),
          )
      }
    }
  }

  /** Empty once stopped; an error when SQS cannot be reached, which is logged once. */
  async function receive(): Promise<Received[] | Error> {
    try {
      const messages = await quietly(() =>
        queues.receive(queueUrl, { max: batchSize, waitSeconds: WAIT_SECONDS, visibilitySeconds: hiddenSeconds, signal }),
      )
      if (stopped()) return messages
      if (failure) log.info({ function: name }, 'the queue can be read again')
      failure = undefined
      return messages
    } catch (error) {
      if (!failure) log.warn({ function: name, queue: queueUrl, error }, 'the queue cannot be read')
      failure = error as Error
      return failure
    }
  }

  async function handle(messages: Received[]) {
    const since = performance.now()
    const { done, failed, why } = await hidden(messages, () => outcome(messages))
    if (why !== undefined) log.warn({ function: name, messages: messages.length }, `the whole batch failed: ${why}`)
    tell('could not delete what is done: it will come again', await queues.delete(queueUrl, receiptsOf(done)))
    for (const [times, some] of Map.groupBy(failed, ({ receiveCount }) => receiveCount))
      await hide('could not say when to try again', some, isGivenUp ? 1 : Math.max(1, retrySeconds(times)))
    onBatch?.({ done: done.length, failed: failed.length, elapsedMs: performance.now() - since })
  }

  async function outcome(messages: Received[]): Promise<BatchOutcome> {
    try {
      return outcomeOf(
        messages,
        await invoke(sqsEvent(messages.length === 1 ? messages.map(carriedOn) : messages, queueUrl, region)),
      )
    } catch (error) {
      return { done: [], failed: messages, why: (error as Error).message }
    }
  }

  /** Keeps messages invisible while `work` runs. */
  async function hidden<T>(messages: Received[], work: () => Promise<T>): Promise<T> {
    let last = Promise.resolve()
    const extend = () => {
      last = hide('could not keep messages hidden', messages, hiddenSeconds)
    }
    const extending = setInterval(extend, (hiddenSeconds * 1000) / 3)
    try {
      return await work()
    } finally {
      clearInterval(extending)
      // An extension in flight must not override what is sent next.
      await last
    }
  }

  /** Ignores messages that are gone. */
  async function hide(what: string, messages: readonly Received[], seconds: number) {
    const refused = await queues.extend(queueUrl, receiptsOf(messages), seconds)
    tell(what, new Map([...refused].filter(([, { code }]) => !GONE.test(code))))
  }

  function tell(what: string, refused: ReadonlyMap<string, Refusal>) {
    const [refusal] = refused.values()
    if (refusal) log.warn({ function: name, messages: refused.size, refusal }, what)
  }

  const looping = loop()
  return {
    async stop(withinMs) {
      stop()
      const late = setTimeout(() => {
        isGivenUp = true
        giveUp()
      }, withinMs)
      await looping
      clearTimeout(late)
    },
    works: async () => {
      if (failure) throw failure
    },
  }
}

const working = (name: string, queueUrl: string, messages: readonly Received[]): SpanDetails => ({
  name: `lambda ${name}`,
  kind: 'consumer',
  attributes: {
    'faas.invoked_name': name,
    'messaging.system': 'aws_sqs',
    'messaging.operation.type': 'process',
    'messaging.destination.name': nameOf(queueUrl),
    'messaging.batch.message_count': messages.length,
  },
  from: messages.map(traceparentOf),
})

/** A single message continues its own trace, below the runner's span; messages of a larger batch keep their traces. */
function carriedOn(message: Received): Received {
  const traceparent = traceparentOr(traceparentOf(message))
  if (traceparent === undefined) return message
  return { ...message, attributes: { ...message.attributes, traceparent: { type: 'String', text: traceparent } } }
}

const receiptsOf = (messages: readonly Received[]) => messages.map(({ receipt }) => receipt)
