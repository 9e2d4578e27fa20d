import { setTimeout as sleep } from 'node:timers/promises'
import { openDb } from '../../platform/pg/pool.ts'
import { client, newUser } from '../../test/kit/client.ts'
import { startStack } from '../../test/kit/stack.ts'
import { startConsumer } from './consumer.ts'
import type { Figure } from './figure.ts'
import { callers, percentile } from './measure.ts'
import { clientOf, type Sqs } from './sqs-servers.ts'
import { openWriters } from './writers.ts'

const VIDEOS = 50
const videoId = (n: number) => `video${String(n % VIDEOS).padStart(6, '0')}`
const ROWS = [
  { text: 'never gonna', offset: 60, duration: 30 },
  { text: 'give you up', offset: 90, duration: 30 },
]
/** Longer than reactors' pauses, like somebody who takes a note now and then. */
const PAUSE_MS = 100

/** Times of a note's steps, in milliseconds since the epoch. */
interface Journey {
  noteId: number
  committedAt: number
  sentAt: number
  receivedAt: number
}

/**
 * Time from the commit of an empty note until a polling consumer receives its message. The video has a transcript, and the user has
 * notes by AI on. All services are separate processes.
 */
export async function untilReceived(sqs: Sqs, notes: number): Promise<Figure[]> {
  const { VIDWIZ_DATA: _, ...env } = sqs.env
  const stack = await startStack(env, { parts: ['projector', 'api', 'ai-notes', 'sqs-bridge'] })
  const db = openDb(stack.databaseUrl, { name: 'bench bridge', max: 2 })
  const { createEmpty, close } = await openWriters(stack)
  const sqsClient = clientOf(sqs.env)
  const consumer = startConsumer(sqsClient, sqs.env.SQS_AI_NOTE_QUEUE_URL!, 2)

  const person = await newUser(stack.url)
  await person.surely('PATCH', '/v2/users/me', { ai_notes_enabled: true })
  const userId: number = (await person.call('GET', '/v2/users/me')).body.id
  const worker = client(stack.url, stack.adminToken)
  for (let n = 0; n < VIDEOS; n++)
    await worker.surely('POST', `/v2/internal/videos/${videoId(n)}/transcript`, { transcript: ROWS })

  const journey = async (n: number): Promise<Journey> => {
    const noteId = await createEmpty({ userId, videoId: videoId(n), timestamp: '1:23' })
    const committedAt = performance.timeOrigin + performance.now()
    return { noteId, committedAt, ...(await consumer.arrival(noteId)) }
  }
  /** When each note's question was appended. */
  const askedAt = async (journeys: Journey[]) =>
    new Map(
      (
        await db.query<{ noteId: number; time: number }>(
          'bench.asked',
          `select (data ->> 'noteId')::int as "noteId", time from log.events where type = 'AiNoteRequested' and stream = any ($1)`,
          [journeys.map(({ noteId }) => `ai-note-${noteId}`)],
        )
      ).map(({ noteId, time }) => [noteId, time]),
    )

  async function figures(who: string, journeys: Journey[]): Promise<Figure[]> {
    const asked = await askedAt(journeys)
    const hops = {
      'to its message received': journeys.map((one) => one.receivedAt - one.committedAt),
      reactor: journeys.map((one) => asked.get(one.noteId)! - one.committedAt),
      bridge: journeys.map((one) => one.sentAt - asked.get(one.noteId)!),
      SQS: journeys.map((one) => one.receivedAt - one.sentAt),
    }
    return Object.entries(hops).flatMap(([hop, ms], i) =>
      [0.5, 0.99].map((part) => ({
        name: `${i === 0 ? `note ${hop}` : `of that, ${hop}`}, ${who}, p${part * 100}`,
        value: percentile(ms, part),
        unit: 'ms',
      })),
    )
  }

  try {
    await callers(16, 2_000, journey)
    const alone: Journey[] = []
    for (let n = 0; n < notes; n++) {
      await sleep(PAUSE_MS * (1 + Math.random()))
      alone.push(await journey(n))
    }
    const together: Journey[] = []
    await callers(16, notes * 10, async (n) => together.push(await journey(n)))
    return [...(await figures('one at a time', alone)), ...(await figures('16 at once', together))]
  } finally {
    await consumer.stop()
    sqsClient.destroy()
    await close()
    await db.close()
    await stack.stop()
    await sqs.stop()
  }
}
