import { LRUCache } from 'lru-cache'
import { transcriptKey } from '#events/video.ts'
import { faultOf } from '#platform/telemetry/fault.ts'
import { unavailable } from '../errors.ts'
import type { Needs } from './needs.ts'
import { readTranscript, type Segment } from './segments.ts'

/** Transcripts for the chat, with a cache of those used last. */
export interface Transcripts {
  /**
   * @param sha256 of the newest stored transcript, so that an older cached one is not used
   * @returns undefined when there is no transcript with at least one row
   * @throws HttpError 503 when it cannot be read
   */
  of(videoId: string, sha256: string): Promise<Segment[] | undefined>
}

/** Bytes of the stored objects; their segments in memory take a few times as much. */
const MAX_BYTES = 32 * 2 ** 20

export function openTranscripts({ objects, log }: Pick<Needs, 'objects' | 'log'>, maxBytes = MAX_BYTES): Transcripts {
  interface Kept {
    segments: Segment[]
    bytes: number
  }
  const kept = new LRUCache<string, Kept, string>({
    maxSize: maxBytes,
    sizeCalculation: ({ bytes }) => bytes,
    // Concurrent callers share one fetch.
    fetchMethod: async (_key, _stale, { context: videoId }) => {
      const object = await objects.get(transcriptKey(videoId))
      const segments = object && (await readTranscript(object.toString()))
      return segments && { segments, bytes: object.length }
    },
  })
  return {
    async of(videoId, sha256) {
      try {
        return (await kept.fetch(`${videoId} ${sha256}`, { context: videoId }))?.segments
      } catch (error) {
        log.error({ videoId, fault: faultOf(error) }, 'could not read a transcript')
        throw unavailable('The transcript cannot be read, please try again in a moment', 1)
      }
    },
  }
}
