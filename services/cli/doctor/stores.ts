import { statfs } from 'node:fs/promises'
import { connect } from 'node:net'
import { awsAccess } from '#platform/aws/access.ts'
import { serverOf } from '#platform/aws/local/state.ts'
import { localParts, withLocalAws } from '#platform/aws/local/where.ts'
import { reasonOf } from '#platform/aws/reason.ts'
import type { QueueSetting } from '#platform/aws/setup.ts'
import { dataFolder } from '#platform/config/data-folder.ts'
import type { Settings } from '#platform/config/settings.ts'
import { runningPostgres } from '#platform/pg/embedded/index.ts'
import { openDb } from '#platform/pg/pool.ts'
import { databaseUrl, reach } from '#platform/pg/where.ts'
import { withDeadLetters } from '#platform/sqs/dead-letters.ts'
import { openQueues } from '#platform/sqs/open.ts'
import { nameOf } from '#platform/sqs/queues.ts'
import { type Check, type Finding, ok, unlessLeftOut } from './check.ts'

/** With less free space, a disk fills up before anybody notices. */
const SCARCE_BYTES = 1024 ** 3
const NO_TOPICS = 'no events reach the topics'
const NO_BUCKET = 'no transcript can be stored or read'
const ROUND = 'a message that always fails is delivered again until it expires'
const UNSEEN = 'nobody sees which messages could not be handled'
const AGAIN = 'start VidWiz again'

/** The stores, and the queues and brokers for messages. */
export const storeChecks = (settings: Settings): Check[] => [
  { name: 'data folder', isNeeded: true, cost: 'nothing starts', look: () => folder(settings) },
  { name: 'database', isNeeded: true, cost: 'nothing works', look: () => database(settings) },
  ...(settings.KAFKA_BROKERS ?? []).map((broker) => ({
    name: `broker ${broker}`,
    isNeeded: true,
    cost: NO_TOPICS,
    look: (signal: AbortSignal) => reachable(broker, signal),
  })),
  { name: 'bucket', isNeeded: true, cost: NO_BUCKET, look: () => bucket(settings) },
  ...unlessLeftOut(
    settings.VIDWIZ_WITHOUT,
    ['sqs-bridge', 'lambda-runner'],
    (['SQS_AI_NOTE_QUEUE_URL', 'SQS_SUMMARY_QUEUE_URL'] as const).map((name) => ({
      name,
      // The bridge serves both queues or none.
      isNeeded: Boolean(settings[name]) || (!localParts(settings).sqs && !settings.VIDWIZ_WITHOUT.includes('sqs-bridge')),
      cost: QUEUES[name],
      look: () => queue(settings, name),
    })),
  ),
  ...unlessLeftOut(
    settings.VIDWIZ_WITHOUT,
    ['media-bridge'],
    [
      {
        name: MEDIA_QUEUE,
        isNeeded: Boolean(settings[MEDIA_QUEUE]) || settings.VIDWIZ_WITH.includes('gpu-worker'),
        cost: QUEUES[MEDIA_QUEUE],
        look: () => queue(settings, MEDIA_QUEUE),
      },
    ],
  ),
]

const MEDIA_QUEUE = 'SQS_TRANSCRIPTION_QUEUE_URL'

const QUEUES: Record<QueueSetting, string> = {
  SQS_AI_NOTE_QUEUE_URL: 'no request for a note by AI reaches a model',
  SQS_SUMMARY_QUEUE_URL: 'no request for a summary reaches a model',
  SQS_TRANSCRIPTION_QUEUE_URL: 'no flashcards are made, and no video without captions is transcribed',
}

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
    return { state: 'failed', detail: (error as Error).message, cost: 'nothing works', remedy: 'check DB_URL' }
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
      end({ state: 'failed', detail: message, cost: NO_TOPICS, remedy: 'check KAFKA_BROKERS' }),
    )
  })
}

const HERE = 'in the data folder'

/** The settings, completed by the S3 or SQS of the data folder where that is used; undefined when it is used but does not run. */
function reached(settings: Settings, part: keyof ReturnType<typeof localParts>): Settings | undefined {
  if (!localParts(settings)[part]) return settings
  return serverOf(dataFolder(settings.VIDWIZ_DATA)) && withLocalAws(settings)
}

async function bucket(settings: Settings): Promise<Finding> {
  const given = settings.S3_BUCKET_NAME
  const there = reached(settings, 's3')
  if (!there) return ok(`transcripts lie ${HERE}; its S3 does not run just now`)
  const name = there.S3_BUCKET_NAME!
  const remedy = given ? 'check S3_BUCKET_NAME, S3_ENDPOINT, AWS_REGION and AWS_*' : AGAIN
  const { isBucketThere } = await import('#platform/objects/ensure.ts')
  try {
    if (await isBucketThere(name, awsAccess(there, 'S3'))) return ok(given ? `${name} answers` : `${name} ${HERE} answers`)
    return { state: 'failed', detail: `there is no bucket ${name}`, cost: NO_BUCKET, remedy }
  } catch (error) {
    return { state: 'failed', detail: saidBy(error), cost: NO_BUCKET, remedy }
  }
}

async function queue(settings: Settings, name: keyof typeof QUEUES): Promise<Finding> {
  const cost = QUEUES[name]
  const there = reached(settings, 'sqs')
  if (!there) return ok(`${HERE}; it does not run just now`)
  const isGiven = Boolean(settings[name])
  const url = there[name]
  if (!url) return { state: 'missing', detail: 'not set, though another queue is', cost, remedy: `set ${name}` }
  const remedy = isGiven ? `check ${name}, SQS_ENDPOINT, AWS_REGION and AWS_*` : AGAIN
  const queues = await openQueues(there)
  try {
    const { source, dead, error } = await withDeadLetters(queues, url)
    const found = `${isGiven ? '' : `${HERE}, `}answers; messages waiting: ${source.attributes.visible}`
    if (error) return { state: 'warning', detail: `${found}; its dead-letter queue: ${saidBy(error)}`, cost: UNSEEN, remedy }
    if (!dead)
      return {
        state: 'warning',
        detail: `${found}; no dead-letter queue`,
        cost: ROUND,
        remedy: 'give the queue a redrive policy',
      }
    const letters = dead.attributes.visible
    if (letters === 0) return ok(found)
    const look = `\`npx vidwiz queues peek ${nameOf(url)}\` shows them`
    return {
      state: 'warning',
      detail: `${found}; dead letters: ${letters}`,
      cost: 'as many requests get no answer',
      remedy: look,
    }
  } catch (error) {
    return { state: 'failed', detail: saidBy(error), cost, remedy }
  } finally {
    queues.close()
  }
}

/** The reason, with the HTTP status: some servers give nothing else. */
function saidBy(error: unknown): string {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } }
  return $metadata?.httpStatusCode ? `${reasonOf(error)} (HTTP ${$metadata.httpStatusCode})` : reasonOf(error)
}
