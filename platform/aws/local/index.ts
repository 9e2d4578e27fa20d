import { createServer } from 'node:net'
import { join } from 'node:path'
import { dataFolder } from '../../config/data-folder.ts'
import type { Settings } from '../../config/settings.ts'
import { objectsFolder } from '../../objects/open.ts'
import { OperatorError } from '../../operator-error.ts'
import { until } from '../../processes.ts'
import { ensureQueues } from '../../sqs/ensure.ts'
import type { Queues } from '../../sqs/queues.ts'
import { sqsQueues } from '../../sqs/sqs.ts'
import { planOf, QUEUE_SETTINGS } from '../setup.ts'
import { importObjects } from './import-objects.ts'
import { serveAws } from './server.ts'
import { awsFolder, keysOf, lastPortOf, serverOf, serves } from './state.ts'
import { ACCOUNT, BUCKET, QUEUES, REGION, USUAL_PORT } from './usual.ts'

export interface LocalAws {
  url: string
  queues: Queues
  /** URLs of the queues, without dead-letter queues. */
  queueUrls: string[]
  /** Number of objects copied from the folder that was the object store before; undefined when it was done earlier. */
  imported: number | undefined
  stop(): Promise<void>
}

const OTHER_ENDS_MS = 10_000

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })

/** Prefers the port of the last start, because other processes have its address in their environment. */
async function portFor({ AWS_LOCAL_PORT: wanted }: Settings, data: string): Promise<number> {
  if (wanted) return wanted
  for (const port of [lastPortOf(data), wanted === undefined ? USUAL_PORT : undefined])
    if (port !== undefined && (await isFree(port))) return port
  return 0
}

/**
 * Runs S3 and SQS in this process, with their data in the data folder, reachable only from this machine. The default bucket and queues
 * exist when it resolves. Answered requests survive kill -9 and a power failure.
 * @param onBroken called when the server's state may be inconsistent: end the process, a new one recovers from the file
 * @throws OperatorError when the folder is served by another process, or the port is taken
 */
export async function startLocalAws(settings: Settings, onBroken: (error: unknown) => void): Promise<LocalAws> {
  const data = dataFolder(settings.VIDWIZ_DATA)
  const folder = awsFolder(data)
  const otherOf = () => {
    const server = serverOf(data)
    return server?.isThisOne ? undefined : server
  }
  // A server whose supervisor was killed ends by itself.
  await until(() => otherOf() === undefined, OTHER_ENDS_MS)
  const other = otherOf()
  if (other) throw new OperatorError(`the S3 and SQS in ${data} are served by process ${other.pid} already`)
  const keys = keysOf(data)
  // Accepts the keys of the settings too: a client that uses S3 elsewhere and SQS here has one pair of keys for both.
  const keyIds = new Set([keys.AWS_ACCESS_KEY_ID, settings.AWS_ACCESS_KEY_ID].filter((id) => id !== undefined))
  let imported: number | undefined
  const server = await serveAws({
    folder,
    port: await portFor(settings, data),
    keyIds,
    onBroken,
    async prepare(s3) {
      s3.createBucket(BUCKET)
      imported = await importObjects(s3, { from: objectsFolder(data), bucket: BUCKET, done: join(folder, 'imported.json') })
    },
  })
  const url = `http://127.0.0.1:${server.port}`
  const credentials = { accessKeyId: keys.AWS_ACCESS_KEY_ID, secretAccessKey: keys.AWS_SECRET_ACCESS_KEY }
  const queues = sqsQueues({ region: REGION, endpoint: url, credentials })
  try {
    const plans = QUEUE_SETTINGS.map((setting) => planOf(setting, QUEUES[setting]))
    await ensureQueues(queues, plans)
    // Published last, so that clients find the server only when its queues exist.
    serves(data, server.port)
  } catch (error) {
    queues.close()
    await server.close()
    throw error
  }
  return {
    url,
    queues,
    queueUrls: Object.values(QUEUES).map((name) => `${url}/${ACCOUNT}/${name}`),
    imported,
    async stop() {
      queues.close()
      await server.close()
    },
  }
}
