import type { Recorded } from '#events/kit/envelope.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { requestsOf } from '#projections/ai-requests.ts'
import { type Reading, readingOf } from './reading.ts'

/** What somebody wants to know the story of. */
export interface Subject {
  /** A stream, an event, or a request of a client by its `X-Request-ID`. */
  kind: 'stream' | 'event' | 'request'
  name: string
}

/** The events of a story, as the database has them. */
export interface Gathered {
  subject: Subject
  /** In the order of the log. */
  events: Recorded[]
  /** The streams that it is about; others only belong to what caused it. */
  streams: string[]
  /** There are more than were to be told of. */
  isCut: boolean
}

/** Of what a note or a summary waits for, the last few events tell how it stands; what led to them is told anyway. */
const MOST_JOINED = 8
/** Requests whose other consequences are told. */
const MOST_REQUESTS = 50
/** Steps from a cause to its cause. */
const MOST_STEPS = 100

/**
 * Finds what belongs to a story: the events of the stream or the request itself, of the requests that they go back to, of what is
 * asked of models and workers for it, and whatever caused any of these.
 *
 * @param limit most events, but for those that caused them; of more the newest are told
 * @returns undefined when the database knows nothing of it
 */
export async function gather(db: Queryable, name: string, limit: number): Promise<Gathered | undefined> {
  const log = readingOf(db)
  const found = await find(log, name, limit)
  if (!found) return undefined
  const { subject, streams: named } = found
  const story = new Map<string, Recorded>()
  let isCut = false
  const add = (events: readonly Recorded[]) => {
    for (const event of events) {
      if (story.has(event.id)) continue
      if (story.size < limit) story.set(event.id, event)
      else isCut = true
    }
  }
  add(found.events)

  const { own, tasks, results, heard } = relatedTo(subject, named, found.events)
  const requests = subject.kind === 'stream' && name.startsWith('video-') ? await requestsOn(db, name, limit) : []
  add(await log.ofStreams(own, limit))
  add(await log.ofStreams(tasks, MOST_JOINED))
  for (const { video, types } of results) add(await log.ofTypes(video, types, MOST_JOINED))
  const media = []
  for (const video of heard) if (await isHeard(log, video)) media.push(`media-${video}`)
  add(await log.ofStreams(media, MOST_JOINED))
  if (subject.kind === 'stream') {
    const mine = new Set([...named, ...own])
    const goBackTo = distinct([...story.values()].map((event) => (mine.has(event.stream) ? event.correlationId : null)))
    isCut ||= goBackTo.length > MOST_REQUESTS
    add(await log.ofRequests(goBackTo.slice(0, MOST_REQUESTS), limit))
  }
  add(await log.ofStreams(requests, limit))
  await addCauses(log, story)
  return {
    subject,
    events: [...story.values()].toSorted((a, b) => a.pos - b.pos),
    streams: [...named, ...own, ...tasks, ...media, ...requests],
    isCut,
  }
}

/** Whatever caused any of it: without that the tree would fall apart, so it counts for no limit. */
async function addCauses(log: Reading, story: Map<string, Recorded>) {
  let newest = [...story.values()]
  for (let step = 0; step < MOST_STEPS && newest.length > 0; step++) {
    const missing = distinct(newest.map(({ causationId }) => causationId)).filter((id) => !story.has(id))
    newest = await log.byIds(missing)
    for (const cause of newest) story.set(cause.id, cause)
  }
}

const distinct = <T>(values: readonly (T | null)[]): T[] => [...new Set(values)].filter((value) => value !== null)

interface Found {
  subject: Subject
  events: Recorded[]
  streams: string[]
}

/** A stream by its name, else an event by its id, else a request by its own. One more than the limit tells that there are more. */
async function find(log: Reading, name: string, limit: number): Promise<Found | undefined> {
  const ofStream = await log.ofStreams([name], limit + 1)
  if (ofStream.length > 0) return { subject: { kind: 'stream', name }, events: ofStream, streams: [name] }
  const [event] = await log.byIds([name])
  const request = event ? event.correlationId : name
  const ofRequest = request === null ? [event!] : await log.ofRequests([request], limit + 1)
  if (ofRequest.length === 0) return undefined
  // The event itself first, should there be too many others.
  const events = event ? [event, ...ofRequest] : ofRequest
  const streams = distinct(ofRequest.map(({ stream }) => stream))
  return { subject: { kind: event ? 'event' : 'request', name }, events, streams }
}

interface Related {
  /** Streams that the story is about as well. */
  own: string[]
  /** Tasks that something in it waits for. */
  tasks: string[]
  /** What was found out about videos that matters here. */
  results: { video: string; types: string[] }[]
  /** Videos whose transcript something in it waits for: what workers hear of them matters. */
  heard: string[]
}

/** A video that has captions may have become flashcards as well: that is another story. */
async function isHeard(log: Reading, video: string): Promise<boolean> {
  const [stored] = await log.ofTypes(`video-${video}`, ['TranscriptStored'], 1)
  return !stored || (JSON.parse(stored.data) as { origin?: string }).origin !== undefined
}

function relatedTo({ kind: of }: Subject, streams: readonly string[], events: readonly Recorded[]): Related {
  const [own, tasks] = [new Set<string>(), new Set<string>()]
  const results: Related['results'] = []
  const heard = new Set<string>()
  for (const stream of streams) {
    const [, kind, id = ''] = /^([a-z]+)-(.+)$/.exec(stream) ?? []
    const video = videoOf(events.find((event) => event.stream === stream))
    if (kind === 'note') own.add(`ai-${stream}`)
    if (kind === 'ai' && id.startsWith('note-')) own.add(id)
    if ((kind === 'note' || kind === 'ai') && video) {
      tasks.add(`task-transcript-${video}`)
      heard.add(video)
      const types = ['TranscriptStored', ...(id.startsWith('summary-') ? ['SummaryStored'] : [])]
      results.push({ video: `video-${video}`, types })
    }
    if (kind === 'task' && video)
      results.push({
        video: `video-${video}`,
        types: [id.startsWith('transcript-') ? 'TranscriptStored' : 'MetadataStored'],
      })
    if (kind === 'video' && of === 'stream')
      for (const one of [`task-transcript-${id}`, `task-metadata-${id}`, `ai-summary-${id}`, `media-${id}`]) own.add(one)
    if (kind === 'task' && id.startsWith('transcript-') && video) heard.add(video)
    if (kind === 'media') {
      tasks.add(`task-transcript-${id}`)
      results.push({ video: `video-${id}`, types: ['TranscriptStored', 'TranscriptSetAside'] })
    }
  }
  for (const stream of [...streams, ...own]) tasks.delete(stream)
  for (const stream of streams) own.delete(stream)
  const isNamed = (video: string) => streams.includes(`media-${video}`) || own.has(`media-${video}`)
  return { own: [...own], tasks: [...tasks], results, heard: [...heard].filter((video) => !isNamed(video)) }
}

const videoOf = (event: Recorded | undefined) => event && (JSON.parse(event.data) as { videoId?: string }).videoId

/** The streams of what is asked of models for notes on a video, those that moved last first. */
const requestsOn = async (db: Queryable, video: string, limit: number) =>
  (await requestsOf(db, video.slice('video-'.length), limit)).map(({ request }) => `ai-${request}`)
