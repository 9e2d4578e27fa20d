import type { AddressInfo } from 'node:net'
import { OperatorError } from '../../operator-error.ts'
import { fauxqsParts, type S3Store, type SqsQueue } from './fauxqs.ts'
import { guard } from './guard.ts'
import { mended } from './mended.ts'
import { ACCOUNT, REGION } from './usual.ts'

export interface ServerOptions {
  /** Holds all data, in one SQLite file. */
  folder: string
  /** 0 picks any free port. */
  port: number
  /** Access key ids that are accepted. */
  keyIds: ReadonlySet<string>
  /** Called before the server accepts requests. */
  prepare(s3: S3Store): Promise<void>
  /** Called when the server's state may be inconsistent; a restart recovers. */
  onBroken(error: unknown): void
}

export interface Server {
  port: number
  close(): Promise<void>
}

/** A path of our own, which AWS does not have: answers when the oldest message of each queue was sent. */
export const OLDEST = '/_vidwiz/oldest'

/**
 * Serves S3 and SQS on 127.0.0.1. Each answer waits for an fsync, so answered requests survive a kill of the process and a power
 * failure.
 * @throws OperatorError when the port is taken or the file cannot be opened
 */
export async function serveAws({ folder, port, keyIds, prepare, onBroken }: ServerOptions): Promise<Server> {
  const parts = await fauxqsParts()
  const persistence = opened(() => new parts.PersistenceManager(folder), folder)
  const { db } = persistence
  // Locks the file for the life of this process, because each server answers from its own memory.
  opened(() => db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; BEGIN IMMEDIATE; COMMIT'), folder)
  const { sqsStore, mendRouter } = mended(parts, persistence, onBroken)
  const [snsStore, s3Store] = [new parts.SnsStore(), new parts.S3Store()]
  // Loads before the stores write to the file: creating a queue in the file again would delete its messages.
  persistence.load(sqsStore, snsStore, s3Store)
  for (const one of [sqsStore, snsStore, s3Store, ...sqsStore.allQueues()]) one.persistence = persistence
  sqsStore.region = REGION
  // With an empty host, queue URLs contain the host name that the client used.
  sqsStore.host = ''
  const app = mendRouter(() => parts.buildApp({ logger: false, stores: { sqsStore, snsStore, s3Store } }))
  guard(app, { s3Store, keyIds })
  app.get(OLDEST, async () => Object.fromEntries([...sqsStore.allQueues()].map((queue) => [queue.name, oldestOf(queue)])))
  try {
    await prepare(s3Store)
    await app.listen({ port, host: '127.0.0.1' })
  } catch (error) {
    db.close()
    throw listenTrouble(error, port) ?? error
  }
  const { port: own } = app.server.address() as AddressInfo
  // The file has queue URLs from an earlier start, perhaps with another port.
  for (const queue of [...sqsStore.allQueues()]) {
    sqsStore.queues.delete(queue.url)
    queue.url = `http://127.0.0.1:${own}/${ACCOUNT}/${queue.name}`
    sqsStore.queues.set(queue.url, queue)
  }
  return {
    port: own,
    async close() {
      await app.close()
      db.close()
    },
  }
}

/** When the oldest message was sent; null when the queue is empty. */
function oldestOf({ messages, delayedMessages, inflightMessages }: SqsQueue): number | null {
  const all = [...messages, ...delayedMessages, ...[...inflightMessages.values()].map(({ message }) => message)]
  return all.reduce<number | null>((oldest, { sentTimestamp }) => Math.min(oldest ?? sentTimestamp, sentTimestamp), null)
}

function opened<T>(open: () => T, folder: string): T {
  try {
    return open()
  } catch (error) {
    throw new OperatorError(`the S3 and SQS in ${folder} cannot be opened: ${(error as Error).message}`, { cause: error })
  }
}

const listenTrouble = (error: unknown, port: number) =>
  (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    ? new OperatorError(`port ${port} is taken: set AWS_LOCAL_PORT to another one (0: any that is free)`, { cause: error })
    : undefined
