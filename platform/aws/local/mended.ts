import { AsyncLocalStorage } from 'node:async_hooks'
import { nameOf } from '../../sqs/queues.ts'
import type { FauxqsParts, Handler, Persistence, Request, SqsQueue, SqsStore } from './fauxqs.ts'

/** How often a queue is checked for messages that become visible again. fauxqs checks each queue 50 times a second. */
const LOOK_MS = 200

/** Characters that SQS documents as invalid: those that XML does not allow. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is the point
const NOT_IN_SQS = /[^\x09\x0A\x0D\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u

/**
 * Fixes bugs of fauxqs 2.4.1 at run time. test/platform/aws/fauxqs.it.ts shows each bug without the fix, so that a test fails when
 * fauxqs fixes it itself or changes.
 * @param onBroken called when memory and file may differ: only a restart, which reads the file, recovers
 */
export function mended(parts: FauxqsParts, persistence: Persistence, onBroken: (error: unknown) => void) {
  const { SqsStore, SqsRouter } = parts
  const { db } = persistence
  const requests = new AsyncLocalStorage<Request>()
  let isWithin = false

  /** Counts the rows written since the file was opened. */
  const changes = db.prepare('select total_changes() as changes')
  const changed = () => changes.get()!.changes

  /** Runs a request in one transaction: a batch is stored completely or not at all, with one fsync. */
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

  // The original writes NULL to a NOT NULL column, after it has removed the message from memory.
  const ready = db.prepare('update sqs_messages set receipt_handle = null, visibility_deadline = null where message_id = ?')
  persistence.updateMessageReady = (id) => void ready.run(id)

  // The original pattern matches UTF-16 code units, so it refuses every emoji; SQS accepts them.
  parts.INVALID_MESSAGE_BODY_CHAR.test = (body) => NOT_IN_SQS.test(body)

  /** Makes `dequeue` atomic: it deletes a dead letter from one queue and writes it to the other; a kill in between must not lose it. */
  function mendQueue(queue: SqsQueue): SqsQueue {
    const { dequeue } = queue
    // A disconnected client gets no message; the message would be hidden from other receivers for its visibility timeout.
    queue.dequeue = (...args) => (isGone(requests.getStore()) ? [] : atomically(() => dequeue.apply(queue, args)))
    queue.startPollTimerIfNeeded = () => {
      queue.pollTimer ??= setInterval(() => queue.processTimers(), LOOK_MS)
    }
    return queue
  }

  /**
   * Looks up queues by name only, as the file does. Otherwise a queue of the same name in another region would replace the stored
   * queue and its messages.
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

  /** Builds an application whose SQS requests are transactions, except for ReceiveMessage, which may wait. */
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

/** True for an error of SQLite, a full disk for example. All other errors, such as invalid requests, occur before anything changes. */
const isOfSqlite = (error: unknown) => (error as { code?: string }).code === 'ERR_SQLITE_ERROR'
