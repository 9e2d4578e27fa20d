import { type Db, openDb } from '../platform/pg/pool.ts'
import { type Client, client, newUser } from '../test/kit/client.ts'
import { eventually } from '../test/kit/eventually.ts'
import { onKafka } from '../test/kit/log.ts'
import { startModelServer } from '../test/kit/model-server.ts'
import { startStack } from '../test/kit/stack.ts'
import { LINE, SUMMARY } from '../test/kit/texts.ts'
import type { Benchmark, Figure } from './kit/figure.ts'
import { percentile } from './kit/measure.ts'

const VIDEO = 'written0001'
const ROWS = Array.from({ length: 60 }, (_, i) => ({ text: `sentence ${i}`, offset: i * 10, duration: 10 }))
const PARTS = [
  ...(onKafka ? ['relay'] : []),
  'projector',
  'api',
  'local-aws',
  'ai-notes',
  'summaries',
  'sqs-bridge',
  'lambda-runner',
]

/** Times of a note's steps, in milliseconds since the epoch. */
interface Life {
  taken: number
  asked: number
  sent: number
  written: number
}

/**
 * Time from an empty note, on a video with a transcript, to its text, with a model that answers at once; all services in separate
 * processes.
 */
export const written: Benchmark = {
  name: 'written',
  async run({ quick }) {
    const [alone, together] = quick ? [20, 64] : [200, 640]
    const models = await startModelServer()
    models.answer(({ body }) => [/summar/i.test(JSON.stringify(body)) ? SUMMARY : LINE])
    const env = { LLM_PROVIDER: 'gemini', GEMINI_API_KEY: 'any', GEMINI_BASE_URL: models.url, AI_ANSWER_MINUTES: '5' }
    const stack = await startStack(env, { parts: PARTS })
    const db = openDb(stack.databaseUrl, { name: 'bench written', max: 2 })
    try {
      const person = await newUser(stack.url)
      await person.surely('PATCH', '/v2/users/me', { ai_notes_enabled: true })
      await client(stack.url, stack.adminToken).surely('POST', `/v2/internal/videos/${VIDEO}/transcript`, { transcript: ROWS })
      // Warm up: the functions start with the first messages.
      await lives(db, await take(person, 16))
      const one: Life[] = []
      while (one.length < alone) one.push(...(await lives(db, await take(person, 1))))
      const many: Life[] = []
      while (many.length < together) many.push(...(await lives(db, await take(person, 16))))
      return [...figures('one at a time', one), ...figures('16 at once', many)]
    } finally {
      await db.close()
      await stack.stop()
      await models.stop()
    }
  },
}

const take = (person: Client, count: number): Promise<number[]> =>
  Promise.all(
    Array.from({ length: count }, async () => {
      const { body } = await person.surely('POST', `/v2/videos/${VIDEO}/notes`, { timestamp: '1:23' })
      return body.id as number
    }),
  )

/** Waits until all notes are written, and reads their times from the log. */
async function lives(db: Db, notes: readonly number[]): Promise<Life[]> {
  const streams = notes.flatMap((id) => [`note-${id}`, `ai-note-${id}`])
  const rows = await eventually(
    async () => {
      const events = await db.query<{ stream: string; type: string; time: number }>(
        'bench.lives',
        'select stream, type, time from log.events where stream = any ($1)',
        [streams],
      )
      if (events.filter(({ type }) => type === 'NoteWrittenByAi').length < notes.length)
        throw new Error('not all notes are written')
      return events
    },
    { withinMs: 60_000, everyMs: 20 },
  )
  const at = new Map(rows.map(({ stream, type, time }) => [`${stream} ${type}`, time]))
  const all = notes.map((id) => ({
    taken: at.get(`note-${id} NoteCreated`)!,
    asked: at.get(`ai-note-${id} AiNoteRequested`)!,
    sent: at.get(`ai-note-${id} JobDispatched`)!,
    written: at.get(`note-${id} NoteWrittenByAi`)!,
  }))
  // An answer may come before its dispatch is recorded: leave out such notes, because their time cannot be split.
  return all.filter(({ sent }) => sent !== undefined)
}

function figures(who: string, all: readonly Life[]): Figure[] {
  const hops: [string, (life: Life) => number][] = [
    ['note → text', ({ taken, written }) => written - taken],
    ['of that, until it is asked for', ({ taken, asked }) => asked - taken],
    ['of that, until its queue has it', ({ asked, sent }) => sent - asked],
    ['of that, SQS, Lambda, model and API', ({ sent, written }) => written - sent],
  ]
  return hops.flatMap(([name, took]) =>
    [0.5, 0.99].map((part) => ({ name: `${name}, ${who}, p${part * 100}`, value: percentile(all.map(took), part), unit: 'ms' })),
  )
}
