import { LRUCache } from 'lru-cache'
import { transcriptKey } from '#events/video.ts'
import { faultOf } from '#platform/http/access-log.ts'
import { unavailable } from '../errors.ts'
import type { Needs } from './needs.ts'
import { readTranscript, type Segment } from './segments.ts'

/** Transcripts as chat reads them, the ones asked for of late kept at hand. */
export interface Transcripts {
  /**
   * @param sha256 of the newest one stored, by which it is known whether the one at hand still is that
   * @returns undefined when there is no transcript with a row in it
   * @throws HttpError 503 when it cannot be read
   */
  of(videoId: string, sha256: string): Promise<Segment[] | undefined>
}

/** Bytes of the stored objects; what is made of them takes a few times as much. */
const MAX_BYTES = 32 * 2 ** 20

export function openTranscripts({ objects, log }: Pick<Needs, 'objects' | 'log'>, maxBytes = MAX_BYTES): Transcripts {
  interface Kept {
    segments: Segment[]
    bytes: number
  }
  const kept = new LRUCache<string, Kept, string>({
    maxSize: maxBytes,
    sizeCalculation: ({ bytes }) => bytes,
    // Many who ask for one at the same time make it be fetched once.
    fetchMethod: async (_key, _stale, { context: videoId }) => {
      const object = await objects.get(transcriptKey(videoId))
      const segments = object && readTranscript(object.toString())
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
