import { createHash } from 'node:crypto'
import { asideKey, type StoredTranscript, transcriptKey, useOf, type Video } from '#events/video.ts'
import type { Objects } from '#platform/objects/open.ts'

/** Under which name a transcript of a video is stored and recorded: one after the other, whoever brings them. */
export const aboutTranscript = (videoId: string) => `transcript of ${videoId}`

export interface Transcript extends Pick<StoredTranscript, 'origin' | 'language' | 'model'> {
  rows: readonly { offset?: unknown; duration?: unknown }[]
  /** The same rows, as they shall be stored. */
  json: string
}

/**
 * Puts a transcript where workers and the chat find it, or beside the one that they find there (see `useOf`). Only while nobody else
 * does anything about the video's transcript (`aboutTranscript`), until it is recorded: the object that is in use is always the one
 * that the video's stream says.
 *
 * @param video as its stream has it now
 * @param replace whatever is used
 * @returns what an event may say of it, once it is there
 * @throws whatever the store fails with
 */
export async function putTranscript(
  objects: Pick<Objects, 'put'>,
  { videoId, video, replace = false }: { videoId: string; video: Video | null; replace?: boolean },
  { rows, json, ...heard }: Transcript,
): Promise<StoredTranscript> {
  const body = Buffer.from(json)
  const sha256 = createHash('sha256').update(body).digest('hex')
  const use = useOf(video, { sha256, rows: rows.length, ...heard }, replace)
  const isInUse = use === 'used' || video?.transcript?.sha256 === sha256
  const s3Key = isInUse ? transcriptKey(videoId) : asideKey(videoId)
  // What is in use is put again: should the object be lost, this brings it back.
  if (isInUse || use === 'aside') await objects.put(s3Key, body, 'application/json')
  return { s3Key, rows: rows.length, sizeBytes: body.length, sha256, endSeconds: endOf(rows), ...heard }
}

/** The moment at which the last row ends, in seconds; undefined unless every row says when it is spoken. */
function endOf(rows: Transcript['rows']): number | undefined {
  let end = 0
  for (const { offset, duration } of rows) {
    if (typeof offset !== 'number') return undefined
    end = Math.max(end, offset + (typeof duration === 'number' ? duration : 0))
  }
  return rows.length > 0 ? end : undefined
}
