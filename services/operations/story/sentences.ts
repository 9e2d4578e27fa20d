import { type AiRequest, isUsable } from '#events/ai.ts'
import type { Recorded } from '#events/kit/envelope.ts'
import { isOpen as isMediaOpen, type Media } from '#events/media.ts'
import type { Note } from '#events/note.ts'
import type { Task, TaskKind } from '#events/task.ts'
import type { User } from '#events/user.ts'
import { hasTranscript, type Video } from '#events/video.ts'
import { duration, moment, oneLine, ordinal } from './text.ts'

/** A consumer that has not reached all events of a story yet. */
export interface Late {
  consumer: string
  /** How many events it is behind, over its whole topic. */
  events: number
}

/** An event of a story that a consumer parked: it failed, or waits behind one that failed. */
export interface ParkedEvent {
  consumer: string
  stream: string
  type: string
  pos: number
  state: 'failed' | 'waiting' | 'due' | 'skipped'
  cause: string | null
  /** The cause without text from payloads; null where that was not recorded. */
  error: string | null
  place: string | null
  pattern: string | null
}

/** The facts from which the sentences are made. */
export interface Situation {
  /** Milliseconds since the epoch, like all moments here. */
  now: number
  /** The streams that the story is about; other streams only contain causes. */
  streams: readonly string[]
  events: readonly Recorded[]
  /** Current states of streams. */
  states: ReadonlyMap<string, unknown>
  late: readonly Late[]
  parked: readonly ParkedEvent[]
  /** Consumers that have run here. */
  consumers: readonly string[]
  policy: { answerMs: number; maxTries: number; maxAttempts: number }
}

/** The consumer that sends requests to model workers, and the one that sends jobs to media workers. */
export const BRIDGE = 'sqs-bridge'
export const MEDIA_BRIDGE = 'media-bridge'

/** The state of a story, in sentences: what waits and for what, what failed and what to do about it. Empty when all is done. */
export function sentencesOf(situation: Situation): string[] {
  const { streams, late, parked } = situation
  const found = streams.flatMap((stream): Sentence[] => {
    const [, kind, id = ''] = /^([a-z]+)-(.+)$/.exec(stream) ?? []
    if (kind === 'note') return ofNote(situation, id)
    // The sentence of the note covers its request.
    if (kind === 'ai' && id.startsWith('note-') && !streams.includes(id)) return ofRequest(situation, id, id)
    if (kind === 'ai' && id.startsWith('summary-')) return ofRequest(situation, id, `the summary of video ${id.slice(8)}`)
    if (kind === 'task') return ofTask(situation, stream)
    if (kind === 'media') return ofMedia(situation, id)
    return []
  })
  // A task that a note waits for is covered by the note's sentence.
  const told = new Set(found.flatMap(({ tellsOf }) => tellsOf ?? []))
  return [
    ...found.filter(({ about }) => !told.has(about)).map(({ text }) => text),
    ...late
      .filter(({ consumer }) => !told.has(consumer))
      .map(({ consumer, events }) => `${consumer} has not come to all of this yet: it is ${behind(events)}`),
    ...parked.flatMap(ofParked),
  ].map(oneLine)
}

interface Sentence {
  about: string
  text: string
  /** Streams and consumers that this sentence covers. */
  tellsOf?: string[]
}

const behind = (events: number) => `${events} ${events === 1 ? 'event' : 'events'} behind`
const stateOf = <S>({ states }: Situation, stream: string) => (states.get(stream) ?? undefined) as S | undefined
const newest = ({ events }: Situation, stream: string, type: string) =>
  events.findLast((event) => event.stream === stream && event.type === type)
const dataOf = (event: Recorded | undefined) => (event ? JSON.parse(event.data) : {}) as Record<string, string | undefined>

// Notes and requests to models --------------------------------------------------

function ofNote(situation: Situation, id: string): Sentence[] {
  const about = `note-${id}`
  const note = stateOf<Note>(situation, about)
  if (!note) return []
  if (note.deleted) return [{ about, text: `${about} was deleted` }]
  if (note.text) {
    const written = newest(situation, about, 'NoteWrittenByAi')
    if (note.writtenBy !== 'ai' || !written) return []
    return [{ about, text: `${about} was written by a model, ${duration(written.time - note.createdAt)} after it was taken` }]
  }
  const asked = ofRequest(situation, about, about)
  if (asked.length > 0) return asked
  const video = stateOf<Video>(situation, `video-${note.videoId}`)
  return [{ about, text: `${about} is empty, and no model is asked for its text: ${whyNotAsked(note, situation, video)}` }]
}

function whyNotAsked(note: Note, situation: Situation, video: Video | undefined): string {
  const user = stateOf<User>(situation, `user-${note.userId}`)
  const lateReactor = situation.late.find(({ consumer }) => consumer === 'ai-notes')
  if (!user?.aiNotes) return `user-${note.userId} does not want notes by AI`
  if (!isUsable(note.timestamp, video)) return `nothing is said at its timestamp, ${note.timestamp}`
  const complete = Math.max(note.createdAt, video?.transcript?.storedAt ?? Number.POSITIVE_INFINITY)
  if ((user.aiNotesSince ?? 0) > complete)
    return `user-${note.userId} turned notes by AI on after note and transcript were there, at ${moment(user.aiNotesSince!)}`
  if (!situation.consumers.includes('ai-notes')) return 'no ai-notes has run here'
  if (lateReactor) return `ai-notes has not come to it yet`
  if (situation.parked.some(({ consumer }) => consumer === 'ai-notes')) return 'ai-notes could not handle an event of this'
  return 'it was emptied, or was empty before notes by AI were asked for'
}

/** @param what the name of the request's subject, for people */
function ofRequest(situation: Situation, request: string, what: string): Sentence[] {
  const stream = `ai-${request}`
  const state = stateOf<AiRequest>(situation, stream)
  if (!state) return []
  const { now, policy } = situation
  const about = request
  const again = state.tries > 1 ? ` a ${ordinal(state.tries)} time (no answer within ${duration(policy.answerMs)})` : ''
  switch (state.status) {
    case 'awaited': {
      const { videoId = '' } = dataOf(newest(situation, stream, 'AiNoteAwaited'))
      const video = videoId || (stateOf<Note>(situation, request)?.videoId ?? '')
      const [task, media] = [`task-transcript-${video}`, `media-${video}`]
      const how = hasTranscript(stateOf<Video>(situation, `video-${video}`))
        ? 'it is there, and ai-notes has yet to see it'
        : transcriptWords(situation, video)
      return [{ about, text: `${what} waits for the transcript of video ${video}: ${how}`, tellsOf: [task, media, MEDIA_BRIDGE] }]
    }
    case 'requested':
      return [
        {
          about,
          text: `${what} was asked for${again}, and waits for the bridge (${bridgeWords(situation, BRIDGE)})`,
          tellsOf: [BRIDGE],
        },
      ]
    case 'dispatched': {
      const { messageId } = dataOf(newest(situation, stream, 'JobDispatched'))
      const endsAt = state.since + policy.answerMs
      const next = state.tries < policy.maxTries ? 'asked again' : 'given up'
      const then = endsAt > now ? `without an answer it is ${next} in ${duration(endsAt - now)}` : `it is about to be ${next}`
      const message = messageId ? ` (message ${messageId})` : ''
      return [
        {
          about,
          text: `${what} was asked for${again}, and has been in the queue for ${duration(now - state.since)}${message}; ${then}`,
        },
      ]
    }
    case 'given-up': {
      const { cause = 'no answer came' } = dataOf(newest(situation, stream, 'JobGivenUp'))
      return [{ about, text: `${what} was given up: ${cause}; redrive with: npx vidwiz requests redrive ${request}` }]
    }
    case 'withdrawn': {
      const { cause = 'nobody needs it any more' } = dataOf(newest(situation, stream, 'JobWithdrawn'))
      return [{ about, text: `no model is asked for ${what} any more: ${cause}` }]
    }
    case 'answered':
      return []
  }
}

function bridgeWords({ late, consumers }: Situation, name: string): string {
  if (!consumers.includes(name)) return `no ${name} has run here`
  const bridge = late.find(({ consumer }) => consumer === name)
  return `${name} is ${bridge ? behind(bridge.events) : 'not behind'}`
}

// Media workers -----------------------------------------------------------------

/** Where the transcript of a video will come from, and the progress of that. */
function transcriptWords(situation: Situation, videoId: string): string {
  const media = stateOf<Media>(situation, `media-${videoId}`)
  if (!media || media.status === 'withdrawn' || media.status === 'completed')
    return taskWords(situation, `task-transcript-${videoId}`)
  const isForWant = media.userId === null ? 'no captions; ' : ''
  if (media.status !== 'failed') return `${isForWant}${hearingWords(situation, media, videoId)}`
  return `${isForWant}a worker could not hear it: ${causeOf(situation, videoId)}`
}

const causeOf = (situation: Situation, videoId: string) =>
  dataOf(newest(situation, `media-${videoId}`, 'MediaProcessingFailed')).cause ?? 'nobody said why'

/** The progress of an open job. */
function hearingWords(situation: Situation, media: Media, videoId: string): string {
  const { status, jobId, since, step, percent, attempt, isSent } = media
  const ago = duration(situation.now - since)
  if (status === 'awaited') return 'it is heard when the limit of the day allows (MEDIA_FALLBACK_DAILY)'
  const again = attempt > 1 ? `, asked a ${ordinal(attempt)} time` : ''
  if (status === 'processing') return `a worker hears it: ${step ? `${step} ${percent} %` : 'it has begun'}${again}, ${ago} ago`
  if (!isSent) return `job ${jobId}${again} waits for the bridge (${bridgeWords(situation, MEDIA_BRIDGE)})`
  const { cause } = dataOf(newestOfJob(situation, videoId))
  return `job ${jobId}${again} has waited for a worker for ${ago}${cause ? `, given back by one: ${cause}` : ''}`
}

/** The event with which a worker gave the job back, if it is the newest of the job. */
function newestOfJob(situation: Situation, videoId: string): Recorded | undefined {
  const last = situation.events.findLast(({ stream }) => stream === `media-${videoId}`)
  return last?.type === 'MediaProcessingInterrupted' ? last : undefined
}

function ofMedia(situation: Situation, videoId: string): Sentence[] {
  const about = `media-${videoId}`
  const media = stateOf<Media>(situation, about)
  if (!media) return []
  if (media.status === 'awaited' || isMediaOpen(media))
    return [{ about, text: `video ${videoId}: ${hearingWords(situation, media, videoId)}`, tellsOf: [MEDIA_BRIDGE] }]
  if (media.status === 'failed') {
    const then = media.isHopeless ? '' : `; a request for its flashcards tries it again (POST /v2/videos/${videoId}/study)`
    return [{ about, text: `job ${media.jobId} on video ${videoId} failed: ${causeOf(situation, videoId)}${then}` }]
  }
  const { missing } = dataOf(newest(situation, about, 'MediaProcessed'))
  return missing ? [{ about, text: `job ${media.jobId} on video ${videoId} made no flashcards: ${missing}` }] : []
}

// Tasks -----------------------------------------------------------------------

function ofTask(situation: Situation, stream: string): Sentence[] {
  const task = stateOf<Task>(situation, stream)
  const [, kind, videoId = ''] = /^task-([a-z]+)-(.+)$/.exec(stream) ?? []
  const rests = task && task.dueAt > situation.now
  if (!task || (!isOpen(task) && !rests) || has(kind as TaskKind, stateOf<Video>(situation, `video-${videoId}`))) return []
  const how = kind === 'transcript' ? transcriptWords(situation, videoId) : taskWords(situation, stream)
  const tellsOf = kind === 'transcript' ? [`media-${videoId}`] : []
  return [{ about: stream, text: `the ${kind} of video ${videoId} is not there yet: ${how}`, tellsOf }]
}

const isOpen = ({ status }: Task) => status === 'pending' || status === 'claimed'
const has = (kind: TaskKind, video: Video | undefined) =>
  kind === 'transcript' ? hasTranscript(video) : video?.metadata?.isEmpty === false

function taskWords(situation: Situation, stream: string): string {
  const { now, policy } = situation
  const task = stateOf<Task>(situation, stream)
  if (!task) return 'no task is scheduled for it yet'
  const { status, dueAt, attempts } = task
  const { error } = dataOf(newest(situation, stream, 'TaskAttemptFailed'))
  const because = error ? `, because: ${error}` : ''
  if (status === 'pending') {
    const next = `attempt ${attempts + 1} of ${policy.maxAttempts}`
    if (dueAt > now) return `the task rests until ${moment(dueAt)}${because}`
    return `the task has waited for a worker for ${duration(now - dueAt)}, ${next}${attempts > 0 ? because : ''}`
  }
  if (status === 'claimed') {
    const claim = newest(situation, stream, 'TaskClaimed')
    const which = `attempt ${attempts} of ${policy.maxAttempts}`
    if (dueAt <= now) return `the worker did not answer in time, ${which}; the next one that asks gets the task`
    return `the task ${claim ? `has been in hand for ${duration(now - claim.time)}` : 'is in hand'}, ${which}`
  }
  const found = status === 'failed' ? `the task failed${because}` : 'the worker found none'
  const rest = dueAt > now ? `, but not before ${moment(dueAt)}` : ''
  return `${found}; the next note on the video has it tried again${rest}`
}

// Parked events -------------------------------------------------------------------

function ofParked({ consumer, stream, type, pos, state, cause }: ParkedEvent): string[] {
  const event = `${type} of ${stream}`
  if (state === 'waiting') return []
  if (state === 'skipped') return [`${consumer} skipped ${event}: ${cause}`]
  if (state === 'due') return [`${consumer} is about to handle ${event} again`]
  return [
    `${consumer} could not handle ${event}: ${cause}; when that is fixed: npx vidwiz redrive ${consumer} ${stream}` +
      ` (or give it up: npx vidwiz skip ${consumer} ${stream} ${pos} --reason "…")`,
  ]
}
