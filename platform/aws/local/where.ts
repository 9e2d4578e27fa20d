import { dataFolder } from '../../config/data-folder.ts'
import { readSettings, type Settings } from '../../config/settings.ts'
import { Trouble } from '../../trouble.ts'
import { queueUrlsOf } from '../setup.ts'
import { OLDEST } from './server.ts'
import { keysOf, serverOf } from './state.ts'
import { ACCOUNT, BUCKET, QUEUES, REGION } from './usual.ts'

/** The variables that lead to the S3 and SQS of a data folder. */
export type AwsEnvironment = Partial<Record<string, string>>

/** Which of the two shall be those of the data folder: what the settings do not name elsewhere. */
export function localParts(settings: Settings): { s3: boolean; sqs: boolean } {
  return { s3: !settings.S3_BUCKET_NAME, sqs: queueUrlsOf(settings).length === 0 }
}

/**
 * What other parts need in their environment to find the S3 and SQS that run in the data folder, for as much as the settings
 * leave to them. Empty when they leave nothing.
 * @throws Trouble when none runs, or when one half is elsewhere without keys of its own
 */
export function localAwsEnvironment(settings: Settings): AwsEnvironment {
  const { s3, sqs } = localParts(settings)
  if (!s3 && !sqs) return {}
  const data = dataFolder(settings.VIDWIZ_DATA)
  const port = serverOf(data)?.port
  if (port === undefined)
    throw new Trouble(`no S3 and SQS run in ${data}: start VidWiz first (make start), or set S3_BUCKET_NAME and SQS_…_QUEUE_URL`)
  const url = `http://127.0.0.1:${port}`
  const bucket = { S3_BUCKET_NAME: BUCKET }
  const queues = Object.fromEntries(Object.entries(QUEUES).map(([setting, name]) => [setting, `${url}/${ACCOUNT}/${name}`]))
  if (s3 && sqs) return { AWS_ENDPOINT_URL: url, AWS_REGION: REGION, ...keysOf(data), ...bucket, ...queues }
  // Both are asked with the same keys. The local server takes those of its environment as well; what the SDK finds elsewhere it
  // cannot know.
  if (!settings.AWS_ACCESS_KEY_ID)
    throw new Trouble('of S3_BUCKET_NAME and SQS_…_QUEUE_URL one is set: set both, or AWS_ACCESS_KEY_ID as well')
  return s3 ? { S3_ENDPOINT: url, ...bucket } : { SQS_ENDPOINT: url, ...queues }
}

/** The settings, with the S3 and SQS of the data folder for what they leave open; as they are when none runs there. */
export function withLocalAws(settings: Settings, env: NodeJS.ProcessEnv = process.env): Settings {
  const { s3, sqs } = localParts(settings)
  if ((!s3 && !sqs) || !serverOf(dataFolder(settings.VIDWIZ_DATA))) return settings
  return readSettings({ ...env, ...localAwsEnvironment(settings) })
}

/**
 * When the oldest message of each queue was sent (milliseconds since the epoch; null: there is none), by name. SQS itself cannot
 * tell; the server in the data folder can.
 * @returns undefined when SQS is elsewhere
 */
export async function oldestMessages(settings: Settings): Promise<Record<string, number | null> | undefined> {
  const endpoint = settings.SQS_ENDPOINT ?? settings.AWS_ENDPOINT_URL
  if (!endpoint?.startsWith('http://127.0.0.1:')) return undefined
  const data = dataFolder(settings.VIDWIZ_DATA)
  const server = serverOf(data)
  if (!server || endpoint !== `http://127.0.0.1:${server.port}`) return undefined
  const authorization = `Credential=${keysOf(data).AWS_ACCESS_KEY_ID}/`
  const answer = await fetch(`${endpoint}${OLDEST}`, { headers: { authorization } }).catch(() => undefined)
  return answer?.ok ? ((await answer.json()) as Record<string, number | null>) : undefined
}
