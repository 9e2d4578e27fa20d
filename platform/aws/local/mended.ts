import { AsyncLocalStorage } from 'node:async_hooks'
import { nameOf } from '../../sqs/queues.ts'
import type { FauxqsParts, Handler, Persistence, Request, SqsQueue, SqsStore } from './fauxqs.ts'

/** How soon who waits is woken by a message that becomes visible again. fauxqs looks 50 times a second for each queue. */
const LOOK_MS = 200

/** As SQS documents it: what XML has no place for. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is the point
const NOT_IN_SQS = /[^\x09\x0A\x0D\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u

/**
 * What fauxqs 2.4.1 does otherwise than we can live with, mended at run time. Each is shown in test/platform/aws/fauxqs.it.ts as
 * it is without us, so that a test fails when fauxqs mends it itself or changes beneath us.
 * @param onBroken memory and file may no longer agree: only a new start, from the file, makes it right
 */
export function mended(parts: FauxqsParts, persistence: Persistence, onBroken: (error: unknown) => void) {
  const { SqsStore, SqsRouter } = parts
  const { db } = persistence
  const requests = new AsyncLocalStorage<Request>()
  let isWithin = false

  /** How many rows were written since the file was opened. */
  const changes = db.prepare('select total_changes() as changes')
  const changed = () => changes.get()!.changes

  /** One request, one transaction: a batch is there whole or not at all, for the price of one fsync. */
  function atomically<T>(work: () => T): T {
    if (isWithin) return work()
    isWithin = true
    const before = changed()
    try {
      db.exec('BEGIN')
      const result = work()
      db.exec('COMMIT')
      return result
    } catch (error) {
      if (isOfSqlite(error) || changed() !== before) onBroken(error)
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    } finally {
      isWithin = false
    }
  }

  // It writes NULL into a column that may not be NULL, and has by then forgotten the message in memory.
  const ready = db.prepare('update sqs_messages set receipt_handle = null, visibility_deadline = null where message_id = ?')
  persistence.updateMessageReady = (id) => void ready.run(id)

  // Its pattern counts in halves of characters, so it refuses every emoji; SQS takes them.
  parts.INVALID_MESSAGE_BODY_CHAR.test = (body) => NOT_IN_SQS.test(body)

  /** A dead letter is deleted from one queue and then written to the other: a kill between the two must not lose it. */
  function mendQueue(queue: SqsQueue): SqsQueue {
    const { dequeue } = queue
    // Whom nobody listens to any more gets no message: it would be hidden from everybody for its visibility timeout.
    queue.dequeue = (...args) => (isGone(requests.getStore()) ? [] : atomically(() => dequeue.apply(queue, args)))
    queue.startPollTimerIfNeeded = () => {
      queue.pollTimer ??= setInterval(() => queue.processTimers(), LOOK_MS)
    }
    return queue
  }

  /**
   * The file knows a queue by its name alone: one of the same name in another region would take its place, and its messages with
   * it.
   */
  class OneRegion extends SqsStore {
    override createQueue(...args: unknown[]) {
      return mendQueue(super.createQueue(...args))
    }
    override getQueue(url: string) {
      return this.getQueueByName(nameOf(url))
    }
    override getQueueByArn(arn: string) {
      return this.getQueueByName(nameOf(arn))
    }
  }

  /** Puts an application together whose requests to SQS are transactions, but for those that wait. */
  function mendRouter<T>(build: () => T): T {
    const { register } = SqsRouter.prototype
    SqsRouter.prototype.register = function (action, handler) {
      const mended: Handler = (body, store, request) =>
        action === 'ReceiveMessage'
          ? requests.run(request, () => handler(body, store, request))
          : atomically(() => handler(body, store, request))
      register.call(this, action, mended)
    }
    try {
      return build()
    } finally {
      SqsRouter.prototype.register = register
    }
  }

  return { sqsStore: new OneRegion() as SqsStore, mendRouter }
}

const isGone = (request: Request | undefined) => request?.raw.socket.destroyed ?? false

/** A full disk, for example. All else, a request that makes no sense, is found before anything changes. */
const isOfSqlite = (error: unknown) => (error as { code?: string }).code === 'ERR_SQLITE_ERROR'
