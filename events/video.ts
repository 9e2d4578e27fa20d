import { z } from 'zod'
import { id, videoId } from './ids.ts'
import { command, emit, nothing } from './kit/command.ts'
import type { NewEvent } from './kit/envelope.ts'
import { fingerprint } from './kit/fingerprint.ts'
import { decider, type EventFrom, stream } from './kit/stream.ts'
import { videos as topic } from './topics.ts'

/** A YouTube video that somebody took a note on. Stream `video-<YouTube's id>`. */
export const videoStream = stream<{ videoId: string }>('video', { topic, id: (e) => e.videoId, key: (e) => e.videoId })

// Events ----------------------------------------------------------------

export const VideoAdded = videoStream.event('VideoAdded', 1, z.object({ videoId, id, title: z.string().nullable() }))
export const VideoTitled = videoStream.event('VideoTitled', 1, z.object({ videoId, title: z.string() }))
/** `metadata` is JSON text, kept to the letter: whole numbers of any size and the order of keys survive. */
export const MetadataStored = videoStream.event('MetadataStored', 1, z.object({ videoId, metadata: z.string() }))
/**
 * Who made a transcript, if it is not captions: `speech`, a worker that heard the video; `text`, one that heard it and told no times,
 * so the sentences are spread over its length.
 */
const origin = z.enum(['speech', 'text'])
const transcript = {
  videoId,
  s3Key: z.string(),
  rows: z.int().nonnegative(),
  sizeBytes: z.int().nonnegative(),
  sha256: z.string(),
  endSeconds: z.number().nonnegative().optional(),
  origin: origin.optional(),
  /** What it was heard as, and by which model. */
  language: z.string().optional(),
  model: z.string().optional(),
}
/** The transcript itself lies in S3 under `s3Key`. `endSeconds`: the moment at which its last row ends, if its rows say so. */
export const TranscriptStored = videoStream.event('TranscriptStored', 3, z.object(transcript), {
  1: (older) => older,
  2: (older) => older,
})
/** Another transcript came than the one that notes were made from: it lies beside it, and changes nothing. */
export const TranscriptSetAside = videoStream.event('TranscriptSetAside', 1, z.object(transcript))
export const SummaryStored = videoStream.event('SummaryStored', 1, z.object({ videoId, summary: z.string() }))
/** What somebody who watches the video might ask about it. */
export const QuestionsSuggested = videoStream.event(
  'QuestionsSuggested',
  1,
  z.object({ videoId, questions: z.array(z.string()) }),
)

export const videoEvents = [
  VideoAdded,
  VideoTitled,
  MetadataStored,
  TranscriptStored,
  TranscriptSetAside,
  SummaryStored,
  QuestionsSuggested,
] as const
export type VideoEvent = EventFrom<(typeof videoEvents)[number]>

// State -----------------------------------------------------------------

export type Origin = z.output<typeof origin>

export interface Video {
  id: number
  title: string | null
  metadata?: { fingerprint: string; isEmpty: boolean }
  /** `storedAt`: when there was first one with something in it, in milliseconds since the epoch. */
  transcript?: { sha256: string; rows: number; endSeconds?: number; storedAt?: number; origin?: Origin; language?: string }
  /** Of the transcript that was set aside last: its sha256. */
  aside?: string
  /** Fingerprints: enough to know again what was stored, without carrying it into every decision. */
  summary?: string
  questions?: string
}

export const evolveVideo = (video: Video | undefined, event: VideoEvent): Video | undefined => {
  if (event.type === 'VideoAdded') return { id: event.data.id, title: event.data.title }
  if (!video) return video
  switch (event.type) {
    case 'VideoTitled':
      return { ...video, title: event.data.title }
    case 'MetadataStored': {
      const { metadata } = event.data
      return { ...video, metadata: { fingerprint: fingerprint(metadata), isEmpty: /^\s*\{\s*\}\s*$/.test(metadata) } }
    }
    case 'TranscriptStored': {
      const { sha256, rows, endSeconds, origin, language } = event.data
      const storedAt = video.transcript?.storedAt ?? (rows > 0 ? event.time : undefined)
      const times = { ...(endSeconds !== undefined && { endSeconds }), ...(storedAt && { storedAt }) }
      const heard = { ...(origin && { origin }), ...(language && { language }) }
      return { ...video, transcript: { sha256, rows, ...times, ...heard } }
    }
    case 'TranscriptSetAside':
      return { ...video, aside: event.data.sha256 }
    case 'SummaryStored':
      return { ...video, summary: fingerprint(event.data.summary) }
    case 'QuestionsSuggested':
      return { ...video, questions: fingerprint(event.data.questions.join('\n')) }
    default:
      return video
  }
}

export const videos = decider<Video, VideoEvent>(videoStream, 4, evolveVideo)

/** Whether the video has a transcript with something in it. */
export const hasTranscript = (video: Video | null | undefined): boolean => (video?.transcript?.rows ?? 0) > 0

/** Whether anything is known about the video: `{}` says nothing. */
export const hasMetadata = (video: Video | undefined): boolean => video?.metadata?.isEmpty === false

// Decisions ---------------------------------------------------------------

/** The extension sends this literal when it found no title. */
export const NO_TITLE = 'No YouTube video title found.'

/** What must happen to a video when somebody mentions it: it is added if new; its first non-empty title stays. */
export function mention(video: Video | undefined, cmd: { videoId: string; id: number; title?: string | null }): NewEvent[] {
  const title = cmd.title === NO_TITLE ? null : (cmd.title ?? null)
  if (!video) return [VideoAdded({ videoId: cmd.videoId, id: cmd.id, title })]
  if (!video.title && title) return [VideoTitled({ videoId: cmd.videoId, title })]
  return []
}

/** What else to do about a video that somebody mentions, unless it is so already. */
const storing = (name: string, videoId: string, news: (video: Video | undefined) => NewEvent[]) =>
  command({
    name,
    reads: { video: videos.of(videoId) },
    ids: ['video'],
    decide: ({ video }, { ids }) => emit([...mention(video, { videoId, id: ids.video }), ...news(video)], {}),
  })

/** What is known of a transcript that lies in the store of objects. */
export interface StoredTranscript {
  s3Key: string
  rows: number
  sizeBytes: number
  /** In hex. */
  sha256: string
  endSeconds?: number | undefined
  origin?: Origin | undefined
  language?: string | undefined
  model?: string | undefined
}

/** Where the transcript of a video lies, and where one lies that is set aside. */
export const transcriptKey = (videoId: string) => `transcripts/${videoId}.json`
export const asideKey = (videoId: string) => `transcripts/${videoId}.aside.json`

/**
 * What a transcript is to a video: `used` from now on, set `aside`, or `known`: it is there already, or says nothing. What people's
 * notes were made from stays: captions do not take the place of speech that was heard, nor the other way round, unless somebody says
 * so (`replace`). Captions take the place of captions, as they always did. An empty one never takes the place of one with rows.
 */
export function useOf(
  video: Video | null | undefined,
  { sha256, rows, origin }: Pick<StoredTranscript, 'sha256' | 'rows' | 'origin'>,
  replace = false,
): 'used' | 'aside' | 'known' {
  if (video?.transcript?.sha256 === sha256) return 'known'
  if (!hasTranscript(video)) return 'used'
  if (rows === 0) return 'known'
  const isOfItsKind = !origin && !video?.transcript?.origin
  if (replace || isOfItsKind) return 'used'
  return video?.aside === sha256 ? 'known' : 'aside'
}

/** What must happen to a video when a transcript has been stored. */
export function withTranscript(
  video: Video | undefined,
  videoId: string,
  transcript: StoredTranscript,
  replace?: boolean,
): NewEvent[] {
  const use = useOf(video, transcript, replace)
  if (use === 'known') return []
  return [use === 'used' ? TranscriptStored({ videoId, ...transcript }) : TranscriptSetAside({ videoId, ...transcript })]
}

/** What must happen to a video when its metadata is found out. */
export const withMetadata = (video: Video | undefined, videoId: string, metadata: string): NewEvent[] =>
  video?.metadata?.fingerprint === fingerprint(metadata) ? [] : [MetadataStored({ videoId, metadata })]

/** Records that a transcript has been stored; it is there already. `replace`: whatever was used before. */
export const storeTranscript = (cmd: { videoId: string; transcript: StoredTranscript; replace?: boolean }) =>
  storing('storeTranscript', cmd.videoId, (video) => withTranscript(video, cmd.videoId, cmd.transcript, cmd.replace))

/** Records what YouTube says of a video, as JSON text, in place of what was known. */
export const storeMetadata = (cmd: { videoId: string; metadata: string }) =>
  storing('storeMetadata', cmd.videoId, (video) => withMetadata(video, cmd.videoId, cmd.metadata))

/** Records a summary and questions to begin with; what is not given stays. */
export const storeSummary = (cmd: { videoId: string; summary?: string; questions?: string[] }) =>
  storing('storeSummary', cmd.videoId, (video) => {
    const { videoId, summary, questions } = cmd
    return [
      ...(summary === undefined || video?.summary === fingerprint(summary) ? [] : [SummaryStored({ videoId, summary })]),
      ...(!questions || video?.questions === fingerprint(questions.join('\n'))
        ? []
        : [QuestionsSuggested({ videoId, questions })]),
    ]
  })

/** Finds a video; changes nothing. */
export const findVideo = (cmd: { videoId: string }) =>
  command({
    name: 'findVideo',
    reads: { video: videos.of(cmd.videoId) },
    decide: ({ video }) => nothing(video ?? null),
  })
