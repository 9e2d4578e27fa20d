import fc from 'fast-check'
import {
  MetadataStored,
  QuestionsSuggested,
  SummaryStored,
  storeMetadata,
  storeSummary,
  storeTranscript,
  TranscriptSetAside,
  TranscriptStored,
  VideoAdded,
  VideoTitled,
} from '#events/video.ts'
import { someText, someTranscript, someVideo, VIDEO } from './few.ts'
import { maybe, usually, wished } from './usually.ts'

export const videoAdded = usually(VideoAdded, { videoId: VIDEO, id: 1, title: null })
export const videoTitled = usually(VideoTitled, { videoId: VIDEO, title: 'Never Gonna Give You Up' })
export const metadataStored = usually(MetadataStored, { videoId: VIDEO, metadata: '{"duration":212}' })
export const transcriptStored = usually(TranscriptStored, {
  videoId: VIDEO,
  s3Key: `transcripts/${VIDEO}.json`,
  rows: 2,
  sizeBytes: 64,
  sha256: 'e3b0c442',
})
export const transcriptSetAside = usually(TranscriptSetAside, {
  videoId: VIDEO,
  s3Key: `transcripts/${VIDEO}.aside.json`,
  rows: 3,
  sizeBytes: 96,
  sha256: 'aa55',
})
export const summaryStored = usually(SummaryStored, { videoId: VIDEO, summary: 'A promise.' })
export const questionsSuggested = usually(QuestionsSuggested, { videoId: VIDEO, questions: ['Why?', 'How?', 'When?'] })

/** Random commands. */
export const videoWishes = {
  storeTranscript: wished(1, storeTranscript, fc.record({ videoId: someVideo, transcript: someTranscript })),
  storeMetadata: wished(1, storeMetadata, fc.record({ videoId: someVideo, metadata: fc.constantFrom('{}', '{"a":1}') })),
  storeSummary: wished(
    1,
    storeSummary,
    fc.record({ videoId: someVideo, summary: maybe(someText), questions: maybe(fc.constantFrom(['a', 'b', 'c'])) }),
  ),
}
