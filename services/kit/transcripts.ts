import { createHash } from 'node:crypto'
import { asideKey, type StoredTranscript, transcriptKey, useOf, type Video } from '#events/video.ts'
import { breather } from '#platform/breather.ts'
import type { Objects } from '#platform/objects/open.ts'

/** Lock name for storing and recording a transcript of a video: only one process at a time does so. */
export const aboutTranscript = (videoId: string) => `transcript of ${videoId}`

export interface Transcript extends Pick<StoredTranscript, 'origin' | 'language' | 'model'> {
  rows: readonly { offset?: unknown; duration?: unknown }[]
  /** The same rows, as they are stored. */
  json: string | Buffer
}

/**
 * Stores a transcript where workers and the chat find it, or set aside beside the one in use (see `useOf`). The caller must hold
 * the lock `aboutTranscript` until the transcript is recorded, so that the object in use is always the one that the stream names.
 *
 * @param video its current state from the log
 * @param replace whether it replaces any transcript in use
 * @returns the data for the event, once the transcript is stored
 * @throws the store's error
 */
export async function putTranscript(
  objects: Pick<Objects, 'put'>,
  { videoId, video, replace = false }: { videoId: string; video: Video | null; replace?: boolean },
  { rows, json, ...heard }: Transcript,
): Promise<StoredTranscript> {
  const body = typeof json === 'string' ? Buffer.from(json) : json
  const sha256 = await digestOf(body)
  const use = useOf(video, { sha256, rows: rows.length, ...heard }, replace)
  const isInUse = use === 'used' || video?.transcript?.sha256 === sha256
  const s3Key = isInUse ? transcriptKey(videoId) : asideKey(videoId)
  // The transcript in use is stored again, which restores a lost object.
  if (isInUse || use === 'aside') await objects.put(s3Key, body, 'application/json')
  return { s3Key, rows: rows.length, sizeBytes: body.length, sha256, endSeconds: endOf(rows), ...heard }
}

const STEP = 1024 * 1024

/** Hashes in steps, and lets other work run between them. */
async function digestOf(body: Buffer): Promise<string> {
  const pause = breather()
  const hash = createHash('sha256')
  for (let at = 0; at < body.length; at += STEP) {
    hash.update(body.subarray(at, at + STEP))
    await pause()
  }
  return hash.digest('hex')
}

/** End of the last row in seconds; undefined unless every row has an offset. */
function endOf(rows: Transcript['rows']): number | undefined {
  let end = 0
  for (const { offset, duration } of rows) {
    if (typeof offset !== 'number') return undefined
    end = Math.max(end, offset + (typeof duration === 'number' ? duration : 0))
  }
  return rows.length > 0 ? end : undefined
}
