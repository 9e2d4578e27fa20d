import { statfs } from 'node:fs/promises'
import { connect } from 'node:net'
import { dataFolder } from '#platform/config/data-folder.ts'
import type { Settings } from '#platform/config/settings.ts'
import { runningPostgres } from '#platform/pg/embedded/index.ts'
import { openDb } from '#platform/pg/pool.ts'
import { databaseUrl, reach } from '#platform/pg/where.ts'
import { type Check, type Finding, ok } from './check.ts'

/** With less than this a machine is full before one knows it. */
const SCARCE_BYTES = 1024 ** 3
const NO_TOPICS = 'no events reach the topics'
const NO_BUCKET = 'no transcript can be stored or read'

/** Where things are kept, and what carries messages. */
export const storeChecks = (settings: Settings, env: NodeJS.ProcessEnv = process.env): Check[] => [
  { name: 'data folder', isNeeded: true, cost: 'nothing starts', look: () => folder(settings) },
  { name: 'database', isNeeded: true, cost: 'nothing works', look: () => database(settings) },
  ...(settings.KAFKA_BROKERS ?? []).map((broker) => ({
    name: `broker ${broker}`,
    isNeeded: true,
    cost: NO_TOPICS,
    look: (signal: AbortSignal) => reachable(broker, signal),
  })),
  { name: 'bucket', isNeeded: true, cost: NO_BUCKET, look: (signal) => bucket(settings, env, signal) },
  ...QUEUES.map(([name, cost]) => ({
    name,
    isNeeded: Boolean(env[name]),
    cost,
    look: (signal: AbortSignal) => queue(settings, env, name, cost, signal),
  })),
]

const QUEUES = [
  ['SQS_AI_NOTE_QUEUE_URL', 'no request for a note by AI leaves this machine'],
  ['SQS_SUMMARY_QUEUE_URL', 'no request for a summary leaves this machine'],
] as const

async function folder({ VIDWIZ_DATA }: Settings): Promise<Finding> {
  const path = dataFolder(VIDWIZ_DATA)
  const { bavail, bsize } = await statfs(path)
  const detail = `${path}, ${((bavail * bsize) / 1024 ** 3).toFixed(1)} GB free`
  if (bavail * bsize >= SCARCE_BYTES) return ok(detail)
  const remedy = 'make room, or set VIDWIZ_DATA to a larger disk'
  return { state: 'warning', detail, cost: 'soon nothing can be written', remedy }
}

async function database(settings: Settings): Promise<Finding> {
  const { DB_URL: url, VIDWIZ_DATA } = settings
  if (!url && !runningPostgres(dataFolder(VIDWIZ_DATA))) return ok('the embedded one; it does not run just now')
  const db = openDb(databaseUrl(settings), { name: 'vidwiz doctor', max: 1 })
  try {
    await reach(db)
    return ok(url ? 'answers at DB_URL' : 'the embedded one runs')
  } catch (error) {
    return { state: 'failed', detail: (error as Error).message, cost: 'nothing works', remedy: 'see to DB_URL' }
  } finally {
    await db.close()
  }
}

function reachable(broker: string, signal: AbortSignal): Promise<Finding> {
  const [, host, port] = /^(.*):(\d+)$/.exec(broker)!
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) })
    const end = (finding: Finding) => {
      socket.destroy()
      resolve(finding)
    }
    signal.addEventListener('abort', () => socket.destroy())
    socket.once('connect', () => end(ok('takes connections')))
    socket.once('error', ({ message }) =>
      end({ state: 'failed', detail: message, cost: NO_TOPICS, remedy: 'see to KAFKA_BROKERS' }),
    )
  })
}

/** As the SDK is told by our services. */
const access = (settings: Settings, endpoint: string | undefined) => {
  const { AWS_REGION: region, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = settings
  const credentials =
    accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey, sessionToken: settings.AWS_SESSION_TOKEN } : undefined
  return { region, maxAttempts: 1, ...(endpoint ? { endpoint } : {}), ...(credentials ? { credentials } : {}) }
}

/** An error of the SDK without a message has a name at least. */
const failed = (error: unknown, cost: string, remedy: string): Finding => {
  const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
  const status = $metadata?.httpStatusCode ? ` (HTTP ${$metadata.httpStatusCode})` : ''
  return { state: 'failed', detail: `${message && message !== name ? `${name}: ${message}` : name}${status}`, cost, remedy }
}

async function bucket(settings: Settings, env: NodeJS.ProcessEnv, abortSignal: AbortSignal): Promise<Finding> {
  const { S3_BUCKET_NAME: Bucket, S3_ENDPOINT } = settings
  if (!Bucket) return ok('none: transcripts lie in the data folder')
  const endpoint = S3_ENDPOINT ?? env.AWS_ENDPOINT_URL
  const { HeadBucketCommand, S3Client } = await import('@aws-sdk/client-s3')
  const client = new S3Client({ ...access(settings, endpoint), forcePathStyle: endpoint !== undefined })
  try {
    await client.send(new HeadBucketCommand({ Bucket }), { abortSignal })
    return ok(`${Bucket} answers`)
  } catch (error) {
    return failed(error, NO_BUCKET, 'see to S3_BUCKET_NAME, S3_ENDPOINT, AWS_REGION and AWS_*')
  } finally {
    client.destroy()
  }
}

async function queue(
  settings: Settings,
  env: NodeJS.ProcessEnv,
  name: string,
  cost: string,
  abortSignal: AbortSignal,
): Promise<Finding> {
  const QueueUrl = env[name]
  if (!QueueUrl) return ok('not set: `vidwiz start` has queues of its own')
  const { GetQueueAttributesCommand, SQSClient } = await import('@aws-sdk/client-sqs')
  const client = new SQSClient(access(settings, env.SQS_ENDPOINT || env.AWS_ENDPOINT_URL || undefined))
  try {
    const { Attributes = {} } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages', 'RedrivePolicy'] }),
      { abortSignal },
    )
    const detail = `answers; ${Attributes.ApproximateNumberOfMessages ?? '?'} messages wait`
    if (Attributes.RedrivePolicy) return ok(detail)
    const loses = 'a message that always fails goes round until it expires'
    return { state: 'warning', detail: `${detail}; no dead-letter queue`, cost: loses, remedy: 'give the queue a redrive policy' }
  } catch (error) {
    return failed(error, cost, `see to ${name}, SQS_ENDPOINT, AWS_REGION and AWS_*`)
  } finally {
    client.destroy()
  }
}
