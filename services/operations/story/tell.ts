import { MAX_TRIES } from '#events/ai.ts'
import type { Recorded } from '#events/kit/envelope.ts'
import { usualPolicy } from '#events/task.ts'
import { now } from '#platform/clock.ts'
import type { Settings } from '#platform/config/settings.ts'
import { within } from '#platform/deadline.ts'
import { shownCause } from '#platform/log/cause.ts'
import { kafkaOptions } from '#platform/log/kafka/options.ts'
import type { Reader } from '#platform/log/port.ts'
import { OperatorError } from '#platform/operator-error.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { type Applied, appliedOf } from './applied.ts'
import type { Subject } from './find.ts'
import { type Gathered, gather } from './gather.ts'
import { type ParkedEvent, sentencesOf } from './sentences.ts'
import { consumersOf, firstPosition, lateFor, parkedOn, statesOf } from './standing.ts'
import { type Root, treeOf } from './tree.ts'

/** More about one event of a story. */
export interface Known {
  /** Its offset in Kafka; null while it is not there, when it was not found in time, and on the embedded log. */
  offset: number | null
  applied: Applied[]
  /** Its letters, of consumers that parked or skipped it. */
  parked: ParkedEvent[]
}

/** How something came about, and its current state. */
export interface Story {
  subject: Subject
  /** Ids of the events that were asked for by name. */
  meant: string[]
  /** There are more events than the limit. */
  isCut: boolean
  /** Events of the story before this position were pruned from the database; null when none were. */
  prunedBefore: number | null
  sentences: string[]
  roots: Root[]
  /** By event id. */
  known: ReadonlyMap<string, Known>
  /** Why there are no offsets although Kafka is used: Kafka does not answer. */
  withoutOffsets: string | null
}

export interface Telling {
  db: Queryable
  reader: Reader
  settings: Settings
}

export interface TellOptions {
  /** Maximum number of events, not counting causes. */
  limit?: number
  /** Also tells each event's offset in Kafka, and which consumers applied it when. */
  isFull?: boolean
  /** Masks a payload for the sentences; without it, they may quote all of it. */
  mask?: ((payload: unknown) => unknown) | undefined
}

/** As many events as fit a few screens. */
export const LIMIT = 200
/** How long to wait for offsets: Kafka may be away. */
const OFFSETS_MS = 3_000

/**
 * Tells the story of a stream, an event, a request, a trace or a message of a queue.
 *
 * @param what as in `find`
 * @throws OperatorError when the log has nothing of that name, or it may mean several things
 */
export async function tell(
  { db, reader, settings }: Telling,
  what: string,
  { limit = LIMIT, isFull = true, mask }: TellOptions = {},
): Promise<Story> {
  const story = await gather(db, what, Math.max(1, limit))
  if (!story) throw await unknown(db, what)
  const { events, streams, subject, meant, isCut } = story
  const isRelayed = kafkaOptions(settings) !== undefined
  const [states, late, letters, consumers, first, applied, placed] = await Promise.all([
    statesOf(db, [...streams, ...mentionedIn(events)]),
    lateFor(db, reader, events, { isRelayed }),
    parkedOn(db, [...new Set([...streams, ...events.map(({ stream }) => stream)])]),
    consumersOf(db),
    firstPosition(db),
    isFull ? appliedOf(db, events) : new Map<string, Applied[]>(),
    isFull ? offsetsIn(reader, events) : { offsets: new Map<number, number>(), why: null },
  ])
  const parked = mask ? letters.map(shownLetter) : letters
  const told = mask ? events.map((event) => ({ ...event, data: JSON.stringify(mask(payloadOf(event))) })) : events
  const policy = {
    answerMs: settings.AI_ANSWER_MINUTES * 60_000,
    maxTries: MAX_TRIES,
    maxAttempts: usualPolicy.maxAttempts,
  }
  return {
    subject,
    meant,
    isCut,
    prunedBefore: first !== undefined && first > 1 && isTornOff(story) ? first : null,
    sentences: sentencesOf({ now: now(), streams, events: told, states, late, parked, consumers, policy }),
    roots: treeOf(events),
    known: new Map(
      events.map(({ id, pos }) => [
        id,
        {
          offset: placed.offsets.get(pos) ?? null,
          applied: applied.get(id) ?? [],
          parked: parked.filter((one) => one.pos === pos),
        },
      ]),
    ),
    withoutOffsets: placed.why,
  }
}

/** Masks a letter's cause. The reason of a skip is not masked: a person wrote it for others to read. */
const shownLetter = (letter: ParkedEvent): ParkedEvent =>
  letter.state === 'skipped' || letter.cause === null ? letter : { ...letter, cause: shownCause(letter) }

/** The payload of an event; the text itself if it is not JSON. */
export function payloadOf({ data }: Recorded): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return data
  }
}

/** Best effort: a story is worth telling without offsets. */
async function offsetsIn(reader: Reader, events: readonly Recorded[]) {
  const none = (why: string | null) => ({ offsets: new Map<number, number>(), why })
  if (!reader.offsets) return none(null)
  const found = reader.offsets(events).then(
    (offsets) => ({ offsets, why: null }),
    (error: Error) => none(error.message),
  )
  return within(OFFSETS_MS, found, () => none('Kafka does not answer'))
}

/** Streams whose states explain why something waits. */
const mentionedIn = (events: readonly Recorded[]): string[] =>
  events.flatMap(({ topic, data }) => {
    if (topic === 'vidwiz.conversations') return []
    const { videoId, userId } = JSON.parse(data) as { videoId?: string; userId?: number }
    return [
      ...(videoId ? [`video-${videoId}`, `task-transcript-${videoId}`, `media-${videoId}`] : []),
      ...(userId ? [`user-${userId}`] : []),
    ]
  })

/** Whether the beginning of a story is missing, although the limit did not cut it off. */
function isTornOff({ events, isCut }: Gathered): boolean {
  const ids = new Set(events.map(({ id }) => id))
  const firsts = new Map<string, Recorded>()
  for (const event of events) if (!firsts.has(event.stream)) firsts.set(event.stream, event)
  const isTorn = events.some(({ causationId }) => causationId !== null && !ids.has(causationId))
  return isTorn || (!isCut && [...firsts.values()].some(({ version, causationId }) => version > 1 && causationId === null))
}

/** Where to read events that the database no longer has. */
export const fromKafka = (stream: string) => `Kafka has it: npx vidwiz tail --from 0 --no-follow --stream ${stream}`

/** The error for a name without events in the database. */
async function unknown(db: Queryable, what: string): Promise<OperatorError> {
  const isStream = /^[a-z]+-./.test(what)
  const known = isStream && (await db.query('story.kept', 'select from log.snapshots where stream = $1', [what]))
  if (known && known.length > 0)
    return new OperatorError(`the events of ${what} were pruned from the database; ${fromKafka(what)}`)
  const hint = /^\d+$/.test(what) ? ' (there is no note, no user and no conversation of that number)' : ''
  return new OperatorError(`the log has no stream, event, request, trace or message ${what}${hint}`)
}
