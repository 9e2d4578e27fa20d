import { dataFolder } from '../../config/data-folder.ts'
import { readSettings, type Settings } from '../../config/settings.ts'
import { OperatorError } from '../../operator-error.ts'
import { queueUrlsOf } from '../setup.ts'
import { OLDEST } from './server.ts'
import { keysOf, serverOf } from './state.ts'
import { ACCOUNT, BUCKET, QUEUES, REGION } from './usual.ts'

/** Environment variables for the S3 and SQS of a data folder. */
export type AwsEnvironment = Partial<Record<string, string>>

/** Tells whether to use the S3 and the SQS of the data folder: those that the settings do not set. */
export function localParts(settings: Settings): { s3: boolean; sqs: boolean } {
  return { s3: !settings.S3_BUCKET_NAME, sqs: queueUrlsOf(settings).length === 0 }
}

/** A frozen server takes connections and answers nothing. */
const ANSWER_MS = 1_000

/**
 * The environment variables with which other processes find the S3 and SQS of the data folder, for the services that the settings
 * do not set. Empty when the settings set both.
 * @throws OperatorError when no local server runs, or when one service is elsewhere and no access key is set
 */
export function localAwsEnvironment(settings: Settings): AwsEnvironment {
  const { s3, sqs } = localParts(settings)
  if (!s3 && !sqs) return {}
  const data = dataFolder(settings.VIDWIZ_DATA)
  const port = serverOf(data)?.port
  if (port === undefined)
    throw new OperatorError(
      `no S3 and SQS run in ${data}: start VidWiz first (make start), or set S3_BUCKET_NAME and SQS_…_QUEUE_URL`,
    )
  const url = `http://127.0.0.1:${port}`
  const bucket = { S3_BUCKET_NAME: BUCKET }
  const queues = Object.fromEntries(Object.entries(QUEUES).map(([setting, name]) => [setting, `${url}/${ACCOUNT}/${name}`]))
  if (s3 && sqs) return { AWS_ENDPOINT_URL: url, AWS_REGION: REGION, ...keysOf(data), ...bucket, ...queues }
  // Clients use one pair of keys for both services. The local server also accepts the keys of its environment, but cannot know
  // credentials that the SDK finds elsewhere.
  if (!settings.AWS_ACCESS_KEY_ID)
    throw new OperatorError('only one of S3_BUCKET_NAME and SQS_…_QUEUE_URL is set: set both, or set AWS_ACCESS_KEY_ID as well')
  return s3 ? { S3_ENDPOINT: url, ...bucket } : { SQS_ENDPOINT: url, ...queues }
}

/** The settings, completed with the S3 and SQS of the data folder; unchanged when no local server runs there. */
export function withLocalAws(settings: Settings, env: NodeJS.ProcessEnv = process.env): Settings {
  const { s3, sqs } = localParts(settings)
  if ((!s3 && !sqs) || !serverOf(dataFolder(settings.VIDWIZ_DATA))) return settings
  return readSettings({ ...env, ...localAwsEnvironment(settings) })
}

/**
 * When the oldest message of each queue was sent, by queue name (milliseconds since the epoch; null for an empty queue). SQS itself
 * does not report it, but the local server does.
 * @returns undefined when SQS is not the local server, or the server does not answer
 */
export async function oldestMessages(settings: Settings): Promise<Record<string, number | null> | undefined> {
  const endpoint = settings.SQS_ENDPOINT ?? settings.AWS_ENDPOINT_URL
  if (!endpoint?.startsWith('http://127.0.0.1:')) return undefined
  const data = dataFolder(settings.VIDWIZ_DATA)
  const server = serverOf(data)
  if (!server || endpoint !== `http://127.0.0.1:${server.port}`) return undefined
  const authorization = `Credential=${keysOf(data).AWS_ACCESS_KEY_ID}/`
  const signal = AbortSignal.timeout(ANSWER_MS)
  try {
    const answer = await fetch(`${endpoint}${OLDEST}`, { headers: { authorization }, signal })
    return answer.ok ? ((await answer.json()) as Record<string, number | null>) : undefined
  } catch {
    return undefined
  }
}
