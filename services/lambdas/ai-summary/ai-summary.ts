import { type Answerer, openAnswerer } from '#platform/llm/answerer.ts'
import { type Api, openApi } from '../kit/api.ts'
import { ask } from '../kit/asking.ts'
import { batchHandler, type Work } from '../kit/batch.ts'
import type { WriterEnvironment } from '../kit/environment.ts'
import { openBucket } from '../kit/s3.ts'
import { type ReadTranscript, sharing, transcriptReader } from '../kit/transcripts.ts'
import { videoIdOf } from '../kit/video-id.ts'
import { summaryQuestion } from './prompt.ts'

export interface AiSummaryTools {
  api: Api
  model: Answerer
  read: ReadTranscript
}

/** Writes the summary of a video that has none. */
export const aiSummary =
  ({ api, model, read }: AiSummaryTools, { attempts, lengths }: WriterEnvironment): Work =>
  async ({ message, signal, headers }) => {
    const asking = { signal, headers }
    const videoId = videoIdOf(message)
    const video = await api.video(videoId, asking)
    if (video?.summary) return 'there is a summary: nothing to write'
    const rows = await read(videoId, signal)
    if (rows.length === 0) throw new Error('nothing is said in the video')
    const question = summaryQuestion({ title: video?.title?.trim() || undefined, transcript: spoken(rows) }, lengths)
    await api.storeSummary(videoId, await ask(model, question, { lengths, attempts, signal }), asking)
    return 'stored the summary'
  }

/** All that is said, in one line. */
export const spoken = (rows: readonly { text: string }[]): string => rows.map(({ text }) => text).join(' ')

/** The handler with its real dependencies. */
export async function openAiSummary(environment: WriterEnvironment) {
  const api = openApi(environment.api)
  const model = await openAnswerer(environment.model)
  const objects = openBucket(environment.bucket, environment.aws)
  const read = transcriptReader({ objects, ...environment.transcript })
  return batchHandler(() => aiSummary({ api, model, read: sharing(read) }, environment))
}
