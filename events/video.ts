import { z } from 'zod'
import { id, videoId } from './ids.ts'
import { command, emit, nothing } from './kit/command.ts'
import type { NewEvent } from './kit/envelope.ts'
import { fingerprint } from './kit/fingerprint.ts'
import { decider, type EventFrom, noCaseFor, stream } from './kit/stream.ts'
import { titleOf } from './title.ts'
import { videos as topic } from './topics.ts'

/** A YouTube video that VidWiz knows, for example because a user took a note on it. Stream `video-<YouTube's id>`. */
export const videoStream = stream<{ videoId: string }>('video', { topic, id: (e) => e.videoId, key: (e) => e.videoId })

// Events ----------------------------------------------------------------

export const VideoAdded = videoStream.event('VideoAdded', 1, z.object({ videoId, id, title: z.string().nullable() }))
export const VideoTitled = videoStream.event('VideoTitled', 1, z.object({ videoId, title: z.string() }))
/** `metadata` is unchanged JSON text: integers of any size and the order of keys survive. */
export const MetadataStored = videoStream.event('MetadataStored', 1, z.object({ videoId, metadata: z.string() }))
/**
 * Origin of a transcript that is not captions. `speech`: a worker transcribed the sound with times. `text`: it got no times, so
 * the sentences are spread over the video's length.
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
  /** Language and model of the transcription. */
  language: z.string().optional(),
  model: z.string().optional(),
}
/** The transcript itself is in S3 under `s3Key`. `endSeconds`: the end of its last row, if the rows have times. */
export const TranscriptStored = videoStream.event('TranscriptStored', 3, z.object(transcript), {
  1: (older) => older,
  2: (older) => older,
})
/** A transcript came that does not replace the one in use. It is kept beside it and changes nothing. */
export const TranscriptSetAside = videoStream.event('TranscriptSetAside', 1, z.object(transcript))
export const SummaryStored = videoStream.event('SummaryStored', 1, z.object({ videoId, summary: z.string() }))
/** Questions that a viewer might ask about the video. */
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
  /** `storedAt`: when the first transcript with rows was stored, in milliseconds since the epoch. */
  transcript?: { sha256: string; rows: number; endSeconds?: number; storedAt?: number; origin?: Origin; language?: string }
  /** sha256 of the transcript that was set aside last. */
  aside?: string
  /** Fingerprints: they recognise a stored text without loading it for every decision. */
  summary?: string
  questions?: string
}

export const evolveVideo = (video: Video | undefined, event: VideoEvent): Video | undefined => {
  if (event.type === 'VideoAdded') return { id: event.data.id, title: titleOf(event.data.title) }
  if (!video) return video
  switch (event.type) {
    case 'VideoTitled':
      return { ...video, title: titleOf(event.data.title) }
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
      return noCaseFor(event)
  }
}

export const videos = decider<Video, VideoEvent>(videoStream, 5, evolveVideo, { ids: ['video'] })

/** Whether the video has a transcript with at least one row. */
export const hasTranscript = (video: Video | null | undefined): boolean => (video?.transcript?.rows ?? 0) > 0

/** Whether the video has metadata; `{}` counts as none. */
export const hasMetadata = (video: Video | undefined): boolean => video?.metadata?.isEmpty === false

// Decisions ---------------------------------------------------------------

/** The events when a command mentions a video: it is added if new, and its first real title is kept. */
export function mention(video: Video | undefined, cmd: { videoId: string; id: number; title?: string | null }): NewEvent[] {
  const title = titleOf(cmd.title)
  if (!video) return [VideoAdded({ videoId: cmd.videoId, id: cmd.id, title })]
  if (!video.title && title) return [VideoTitled({ videoId: cmd.videoId, title })]
  return []
}

/** A command that adds the video if it is new, and then the given events. */
const storing = (name: string, videoId: string, news: (video: Video | undefined) => NewEvent[]) =>
  command({
    name,
    reads: { video: videos.of(videoId) },
    ids: ['video'],
    decide: ({ video }, { ids }) => emit([...mention(video, { videoId, id: ids.video }), ...news(video)], {}),
  })

/** Data about a transcript in the object store. */
export interface StoredTranscript {
  s3Key: string
  rows: number
  sizeBytes: number
  /** Hexadecimal. */
  sha256: string
  endSeconds?: number | undefined
  origin?: Origin | undefined
  language?: string | undefined
  model?: string | undefined
}

/** S3 keys of a video's transcript and of one that is set aside. */
export const transcriptKey = (videoId: string) => `transcripts/${videoId}.json`
export const asideKey = (videoId: string) => `transcripts/${videoId}.aside.json`

/**
 * How a transcript is used for a video: `used` from now on, set `aside`, or `known` when it is stored already or has no rows. The
 * transcript that notes were made from stays: captions do not replace transcribed speech, nor the other way round, unless
 * `replace` is set. Captions replace captions, as they always did. An empty transcript never replaces one with rows.
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

/** The events for a stored transcript. */
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

/** The events for metadata that a worker found. */
export const withMetadata = (video: Video | undefined, videoId: string, metadata: string): NewEvent[] =>
  video?.metadata?.fingerprint === fingerprint(metadata) ? [] : [MetadataStored({ videoId, metadata })]

/** Records a transcript that is already stored in S3. `replace`: use it in place of any other. */
export const storeTranscript = (cmd: { videoId: string; transcript: StoredTranscript; replace?: boolean }) =>
  storing('storeTranscript', cmd.videoId, (video) => withTranscript(video, cmd.videoId, cmd.transcript, cmd.replace))

/** Records YouTube's data about a video, as JSON text, in place of earlier data. */
export const storeMetadata = (cmd: { videoId: string; metadata: string }) =>
  storing('storeMetadata', cmd.videoId, (video) => withMetadata(video, cmd.videoId, cmd.metadata))

/** Records a summary and suggested questions. Absent fields stay. */
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
