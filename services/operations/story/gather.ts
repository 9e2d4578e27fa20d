import type { Recorded } from '#events/kit/envelope.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { requestsOf } from '#projections/ai-requests.ts'
import { distinct, find, type Subject } from './find.ts'
import { type Reading, readingOf } from './reading.ts'

/** The events of a story, from the database. */
export interface Gathered {
  subject: Subject
  /** In the order of the log. */
  events: Recorded[]
  /** The streams that the story is about; other streams only contain causes. */
  streams: string[]
  /** Ids of the events that were asked for by name. */
  meant: string[]
  /** There are more events than the limit. */
  isCut: boolean
}

/** Events of each related stream: the last few tell its state, and their causes are added anyway. */
const MOST_JOINED = 8
/** Requests whose other consequences are included. */
const MOST_REQUESTS = 6
/** Maximum length of a chain of causes. */
const MOST_STEPS = 100

/**
 * Collects the events of a story: those of the stream or request itself, of the requests that led to them, of the related
 * requests to models and workers, and the causes of all these.
 *
 * @param limit maximum number of events, not counting causes; the newest are kept
 * @returns undefined when the database has nothing of that name
 */
export async function gather(db: Queryable, name: string, limit: number): Promise<Gathered | undefined> {
  const log = readingOf(db)
  const found = await find(log, name, limit)
  if (!found) return undefined
  const { subject, streams: named, meant } = found
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
  const requests = subject.kind === 'stream' && subject.name.startsWith('video-') ? await requestsOn(db, subject.name, limit) : []
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
    meant,
    isCut,
  }
}

/** Adds the causes of all events. They do not count towards the limit, because the tree would fall apart without them. */
async function addCauses(log: Reading, story: Map<string, Recorded>) {
  let newest = [...story.values()]
  for (let step = 0; step < MOST_STEPS && newest.length > 0; step++) {
    const missing = distinct(newest.map(({ causationId }) => causationId)).filter((id) => !story.has(id))
    newest = await log.byIds(missing)
    for (const cause of newest) story.set(cause.id, cause)
  }
}

interface Related {
  /** Further streams that the story is about. */
  own: string[]
  /** Tasks that the story waits for. */
  tasks: string[]
  /** Relevant events of videos, by type. */
  results: { video: string; types: string[] }[]
  /** Videos whose transcript the story waits for, and which a media worker may hear (transcribe). */
  heard: string[]
}

/** Whether a worker hears the video. With captions, its media job only made flashcards, which is another story. */
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

/** The streams of model requests for notes on a video, most recently changed first. */
const requestsOn = async (db: Queryable, video: string, limit: number) =>
  (await requestsOf(db, video.slice('video-'.length), limit)).map(({ request }) => `ai-${request}`)
