import type { AiNoteRequested, SummaryRequested } from '#events/ai.ts'
import type { EventFrom } from '#events/kit/stream.ts'

export type QueueName = 'ai-notes' | 'summaries'

/**
 * A message in the format of the worker contract. The two ids at the end are additions: a worker may return them with its results.
 */
export function messageOf({ id, correlationId, data }: EventFrom<typeof AiNoteRequested | typeof SummaryRequested>): {
  queue: QueueName
  body: string
} {
  const trace = { correlation_id: correlationId ?? id, causation_id: id }
  if (!('noteId' in data)) return { queue: 'summaries', body: JSON.stringify({ video_id: data.videoId, ...trace }) }
  const { noteId, videoId: video_id, timestamp, userId: user_id } = data
  return { queue: 'ai-notes', body: JSON.stringify({ id: noteId, video_id, timestamp, user_id, ...trace }) }
}
