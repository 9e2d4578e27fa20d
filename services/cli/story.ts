import { Command } from 'commander'
import { MAX_TRIES } from '#events/ai.ts'
import type { Recorded } from '#events/kit/envelope.ts'
import { usualPolicy } from '#events/task.ts'
import { readSettings } from '#platform/config/settings.ts'
import { kafkaOptions } from '#platform/log/kafka/client.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { Trouble } from '#platform/service.ts'
import { type Connection, connected } from './connect.ts'
import { wholeNumber } from './numbers.ts'
import { type Gathered, gather } from './story/gather.ts'
import { jsonOf, linesOf } from './story/print.ts'
import { sentencesOf } from './story/sentences.ts'
import { consumersOf, firstPosition, lateFor, parkedOn, statesOf } from './story/standing.ts'
import { treeOf } from './story/tree.ts'

/** Events of a story that fit a few screens. */
const LIMIT = 200
/** Sentences that somebody reads. */
const MOST_SENTENCES = 20

interface Options {
  limit: number
  json?: boolean
}

export const storyCommand = (): Command =>
  new Command('story')
    .description('how something came about and what it waits for: what caused what, from the request of a client on')
    .argument(
      '<what>',
      'a stream (note-42, video-dQw4w9WgXcQ, ai-note-42, media-dQw4w9WgXcQ, user-7 …), the id of an event, or an X-Request-ID',
    )
    .option('--limit <n>', 'at most so many events, beside those that caused them; of more the newest', wholeNumber, LIMIT)
    .option('--json', 'one JSON object')
    .action((what: string, options: Options) => connected((connection) => tell(what, options, connection), { indexed: true }))

async function tell(what: string, { limit, json }: Options, { db, reader }: Connection): Promise<void> {
  const story = await gather(db, what, Math.max(1, limit))
  if (!story) throw await unknown(db, what)
  const { events, streams, subject, isCut } = story
  const settings = readSettings()
  const [states, late, parked, consumers, first] = await Promise.all([
    statesOf(db, [...streams, ...mentionedIn(events)]),
    lateFor(db, reader, events, { isRelayed: kafkaOptions(settings) !== undefined }),
    parkedOn(db, [...new Set([...streams, ...events.map(({ stream }) => stream)])]),
    consumersOf(db),
    firstPosition(db),
  ])
  const policy = {
    answerMs: settings.AI_ANSWER_MINUTES * 60_000,
    maxTries: MAX_TRIES,
    maxAttempts: usualPolicy.maxAttempts,
  }
  const roots = treeOf(events)
  const sentences = sentencesOf({ now: Date.now(), streams, events, states, late, parked, consumers, policy })
  const prunedBefore = first !== undefined && first > 1 && isTornOff(story) ? first : null
  if (json) {
    console.log(JSON.stringify({ subject, isCut, prunedBefore, sentences, requests: jsonOf(roots) }))
    return
  }
  const isMeant = ({ id }: Recorded) => subject.kind === 'event' && id === subject.name.toLowerCase()
  for (const line of linesOf(roots, isMeant)) console.log(line)
  const more = sentences.length - MOST_SENTENCES
  const remarks = [
    ...sentences.slice(0, MOST_SENTENCES),
    ...(more > 0 ? [`… and ${more} more such sentences; npx vidwiz requests lists what waits`] : []),
    ...(isCut ? [`there are more events than ${limit}: --limit tells more of them`] : []),
    ...(prunedBefore === null
      ? []
      : [`what lies before position ${prunedBefore} was pruned from the database; ${fromKafka(what)}`]),
  ]
  if (remarks.length > 0) console.log(['', ...remarks].join('\n'))
}

/** Whose states tell why something waits. */
const mentionedIn = (events: readonly Recorded[]): string[] =>
  events.flatMap(({ topic, data }) => {
    if (topic === 'vidwiz.conversations') return []
    const { videoId, userId } = JSON.parse(data) as { videoId?: string; userId?: number }
    return [
      ...(videoId ? [`video-${videoId}`, `task-transcript-${videoId}`, `media-${videoId}`] : []),
      ...(userId ? [`user-${userId}`] : []),
    ]
  })

/** Whether a story has a beginning that is not told, though nobody cut it off. */
function isTornOff({ events, isCut }: Gathered): boolean {
  const ids = new Set(events.map(({ id }) => id))
  const firsts = new Map<string, Recorded>()
  for (const event of events) if (!firsts.has(event.stream)) firsts.set(event.stream, event)
  const isTorn = events.some(({ causationId }) => causationId !== null && !ids.has(causationId))
  return isTorn || (!isCut && [...firsts.values()].some(({ version, causationId }) => version > 1 && causationId === null))
}

const fromKafka = (stream: string) => `Kafka has it: npx vidwiz tail --from 0 --no-follow --stream ${stream}`

/** What to say of something that the database has no event of. */
async function unknown(db: Queryable, what: string): Promise<Trouble> {
  const known = /^[a-z]+-./.test(what) && (await db.query('story.kept', 'select from log.snapshots where stream = $1', [what]))
  if (known && known.length > 0) return new Trouble(`the events of ${what} were pruned from the database; ${fromKafka(what)}`)
  const hint = /^\d+$/.test(what) ? ` (a note is called note-${what})` : ''
  return new Trouble(`the log has no stream, no event and no request ${what}${hint}`)
}
