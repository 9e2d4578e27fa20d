import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs'
import { type AiEvent, aiEvents } from '../../events/ai.ts'
import { catalogOf, decode } from '../../events/kit/codec.ts'
import type { Recorded } from '../../events/kit/envelope.ts'
import { ai } from '../../events/topics.ts'
import { awsAccess } from '../../platform/aws/access.ts'
import { readSettings } from '../../platform/config/settings.ts'
import { postgresReader } from '../../platform/log/postgres/reader.ts'
import { openListener } from '../../platform/pg/listen.ts'
import { openDb } from '../../platform/pg/pool.ts'
import { batches } from '../../platform/sqs/batches.ts'
import { IN_FLIGHT } from '../../services/kit/post.ts'
import { messageOf } from '../../services/sqs-bridge/messages.ts'
import { timed } from './measure.ts'

/** Commands: prepare the bodies of the questions after a position, or send them. */
export type BareMessage = { prepare: number } | 'send'

// Sends prepared bodies with the SDK alone: ten messages per request, and as many requests in flight as the bridge.
const settings = readSettings()
const { region, endpoint, credentials } = awsAccess(settings, 'SQS')
const client = new SQSClient({ region, endpoint, credentials, useQueueUrlAsEndpoint: false })
const QueueUrl = settings.SQS_AI_NOTE_QUEUE_URL
const catalog = catalogOf(aiEvents)
let bodies: string[] = []

async function prepare(beyond: number): Promise<number> {
  const db = openDb(settings.DB_URL!, { name: 'bench bare SQS', max: 1 })
  const listener = openListener(settings.DB_URL!)
  const after = new Map(Array.from({ length: ai.partitions }, (_, partition) => [partition, beyond]))
  const events = await postgresReader(db, listener).read({ topic: ai.name, after, limit: 1_000_000 })
  bodies = events.filter(isQuestion).map((recorded) => messageOf(decode(catalog, recorded) as Question).body)
  await listener.close()
  await db.close()
  return bodies.length
}

type Question = Extract<AiEvent, { type: 'AiNoteRequested' }>
const isQuestion = ({ type }: Recorded) => type === 'AiNoteRequested'

const send = () => {
  const requests = batches(bodies)
  const one = async () => {
    for (let some = requests.shift(); some; some = requests.shift()) {
      const Entries = some.map((MessageBody, i) => ({ Id: String(i), MessageBody }))
      const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }))
      if (Failed.length > 0) throw new Error(`not taken: ${Failed[0]!.Code}`)
    }
  }
  return timed(() => Promise.all(Array.from({ length: IN_FLIGHT }, one)))
}

process.on('message', async (message: BareMessage) => {
  process.send!(message === 'send' ? await send() : await prepare(message.prepare))
})
process.send!('ready')
