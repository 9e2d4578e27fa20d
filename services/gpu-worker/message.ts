import { z } from 'zod'
import { causeHeaders } from '../kit/cause-headers.ts'

/** Content of a queue message. */
export interface Message {
  /** YouTube's id of the video, or the video's number. */
  video: string
  /** Undefined in messages that VidWiz did not send. */
  jobId: number | undefined
  /** For every request to the API. */
  headers: Record<string, string>
}

const videoId = z.string().regex(/^[\w-]{11}$/)
const Body = z.looseObject({
  video_id: z.union([videoId, z.int().positive(), z.string().regex(/^[1-9]\d{0,9}$/)], {
    error: 'its video_id is neither the id nor the number of a video',
  }),
  youtube_id: videoId.optional().catch(undefined),
  job_id: z.int().positive().optional().catch(undefined),
})

/**
 * @returns the message, or why it cannot be understood
 */
export function readMessage(body: string): Message | { cause: string } {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    return { cause: 'the message is not JSON' }
  }
  const read = Body.safeParse(json)
  if (!read.success) {
    const isObject = typeof json === 'object' && json !== null && !Array.isArray(json)
    return {
      cause: isObject ? `the message is not for us: ${read.error.issues[0]!.message}` : 'the message is not a JSON object',
    }
  }
  const { video_id, youtube_id, job_id: jobId } = read.data
  return { video: youtube_id ?? String(video_id), jobId, headers: causeHeaders(read.data) }
}
