import type { AddressInfo } from 'node:net'
import { Trouble } from '../../trouble.ts'
import { fauxqsParts, type S3Store, type SqsQueue } from './fauxqs.ts'
import { guard } from './guard.ts'
import { mended } from './mended.ts'
import { ACCOUNT, REGION } from './usual.ts'

export interface ServerOptions {
  /** Everything lies in here, in one file of SQLite. */
  folder: string
  /** 0: any that is free. */
  port: number
  /** The ids of access keys that are let in. */
  keyIds: ReadonlySet<string>
  /** Called before anybody is served. */
  prepare(s3: S3Store): Promise<void>
  /** It can no longer be relied on; a new start makes it right. */
  onBroken(error: unknown): void
}

export interface Server {
  port: number
  close(): Promise<void>
}

/** Where the server tells, beside what AWS has, when the oldest message of each queue was sent. */
export const OLDEST = '/_vidwiz/oldest'

/**
 * Serves S3 and SQS on 127.0.0.1. What was answered is on the disk: each answer waits for an fsync, so nothing is lost when the
 * process is killed, nor when the power fails.
 * @throws Trouble when the port or the file cannot be had
 */
export async function serveAws({ folder, port, keyIds, prepare, onBroken }: ServerOptions): Promise<Server> {
  const parts = await fauxqsParts()
  const persistence = opened(() => new parts.PersistenceManager(folder), folder)
  const { db } = persistence
  // Nobody else's while this process lives: two servers would each answer from a memory of their own.
  opened(() => db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; BEGIN IMMEDIATE; COMMIT'), folder)
  const { sqsStore, mendRouter } = mended(parts, persistence, onBroken)
  const [snsStore, s3Store] = [new parts.SnsStore(), new parts.S3Store()]
  // Before they know of the file: to make a queue in it anew would delete its messages.
  persistence.load(sqsStore, snsStore, s3Store)
  for (const one of [sqsStore, snsStore, s3Store, ...sqsStore.allQueues()]) one.persistence = persistence
  sqsStore.region = REGION
  // Then the addresses of queues are made of what the client itself calls this server.
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
  // The file has the addresses of an earlier start, perhaps with another port.
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

/** Null when there is none. */
function oldestOf({ messages, delayedMessages, inflightMessages }: SqsQueue): number | null {
  const all = [...messages, ...delayedMessages, ...[...inflightMessages.values()].map(({ message }) => message)]
  return all.reduce<number | null>((oldest, { sentTimestamp }) => Math.min(oldest ?? sentTimestamp, sentTimestamp), null)
}

function opened<T>(open: () => T, folder: string): T {
  try {
    return open()
  } catch (error) {
    throw new Trouble(`the S3 and SQS in ${folder} cannot be opened: ${(error as Error).message}`, { cause: error })
  }
}

const listenTrouble = (error: unknown, port: number) =>
  (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    ? new Trouble(`port ${port} is taken: set AWS_LOCAL_PORT to another one (0: any that is free)`, { cause: error })
    : undefined
