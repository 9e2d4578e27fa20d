import type { Queues, Received, Refusal } from '#platform/sqs/queues.ts'
import { backoffMs, stopping } from '#platform/stopping.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import { type Outcome, outcomeOf, sqsEvent } from './sqs-event.ts'

export interface MappingOptions {
  /** Of the function, for the log. */
  name: string
  queues: Pick<Queues, 'receive' | 'extend' | 'delete'>
  queueUrl: string
  region: string
  batchSize: number
  /** Handles an event; throws when the function did not answer. */
  invoke(event: unknown): Promise<unknown>
  /** Ends what is in hand, which then fails. */
  giveUp(): void
  log: Logger
  onBatch?(outcome: { done: number; failed: number; elapsedMs: number }): void
  times?: Partial<Times>
}

export interface Times {
  /** How long messages stay hidden after a runner that was killed. While a function works it is extended. */
  hiddenSeconds: number
  /** Until a message that failed comes again, by how often it was received. */
  retrySeconds(receives: number): number
  /** Between two tries to reach SQS. */
  pauseMs(failures: number): number
}

/** As long as SQS lets one wait for messages. */
const WAIT_SECONDS = 20
/** What SQS says of a receipt whose message was deleted, or has been received by another one. */
const GONE = /MessageNotInflight|ReceiptHandleIsInvalid|InvalidParameterValue/

const usualTimes: Times = {
  hiddenSeconds: 30,
  // Five receptions within some four minutes: a model that was away for a moment is asked again soon, one that is away for long not much.
  retrySeconds: (receives) => Math.min(180, 5 * 3 ** (receives - 1)),
  pauseMs: (failures) => backoffMs(failures, { firstMs: 500, longestMs: 30_000 }),
}

/** Feeds a function from a queue, one batch at a time, as AWS does with an event source mapping. */
export interface Mapping {
  /** Waits no longer for messages, lets the function finish those in hand and deletes them; after so long it gives up on them. */
  stop(withinMs: number): Promise<void>
  /** Rejects when the queue could not be reached last time. */
  works(): Promise<void>
}

export function startMapping(options: MappingOptions): Mapping {
  const { name, queues, queueUrl, region, batchSize, invoke, giveUp, log, onBatch } = options
  const { hiddenSeconds, retrySeconds, pauseMs } = { ...usualTimes, ...options.times }
  const { signal, stopped, stop, pause } = stopping()
  let isGivenUp = false
  let trouble: Error | undefined

  async function loop() {
    for (let failures = 0; !stopped(); ) {
      const messages = await receive()
      if (messages instanceof Error) {
        failures++
        await pause(pauseMs(failures))
      } else {
        failures = 0
        if (messages.length > 0) await handle(messages)
      }
    }
  }

  /** Nothing once we stop; an error when SQS cannot be asked, which is told once. */
  async function receive(): Promise<Received[] | Error> {
    try {
      const messages = await queues.receive(queueUrl, {
        max: batchSize,
        waitSeconds: WAIT_SECONDS,
        visibilitySeconds: hiddenSeconds,
        signal,
      })
      if (stopped()) return messages
      if (trouble) log.info({ function: name }, 'the queue can be read again')
      trouble = undefined
      return messages
    } catch (error) {
      if (!trouble) log.warn({ function: name, queue: queueUrl, error }, 'the queue cannot be read')
      trouble = error as Error
      return trouble
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

  async function outcome(messages: Received[]): Promise<Outcome> {
    try {
      return outcomeOf(messages, await invoke(sqsEvent(messages, queueUrl, region)))
    } catch (error) {
      return { done: [], failed: messages, why: (error as Error).message }
    }
  }

  /** Keeps messages hidden while there is work on them. */
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
      // What is said of them next shall be the last word.
      await last
    }
  }

  /** Those that are not there any more do not matter. */
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
      if (trouble) throw trouble
    },
  }
}

const receiptsOf = (messages: readonly Received[]) => messages.map(({ receipt }) => receipt)
