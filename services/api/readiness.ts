import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { batched } from '#platform/batched.ts'
import { openBell } from '#platform/bell.ts'
import { unlessAborted, within } from '#platform/deadline.ts'
import { pythonJson } from '#platform/http/python-json.ts'
import type { Out } from '#platform/http/stream.ts'
import type { Db } from '#platform/pg/pool.ts'
import { faultOf } from '#platform/telemetry/fault.ts'
import { conversationsView } from '#projections/conversations.ts'
import type { Changes } from '#projections/engine/changes.ts'
import { userVideosView } from '#projections/user-videos.ts'
import { ALL_PARTS, PARTS_UNKNOWN, partsOf, type VideoRead, videosBeyond, videosView } from '#projections/videos.ts'
import { areWatchable, type WatchRequest } from '#projections/watchable.ts'
import { videoRead } from './video-read.ts'

export interface ReadinessOptions {
  /** How long to wait for a viewer's permission to watch: pages may ask before they have created their note or conversation. */
  holdMs?: number
  /** Maximum length of a stream; the client then reconnects. */
  endMs?: number
}

/** Tells viewers how a video becomes ready. */
export interface Readiness {
  /** Whether somebody may watch a video; false only after `holdMs`. */
  mayWatch(request: WatchRequest): Promise<boolean>
  /** Sends the video now and whenever it gains or loses a part, until it has all parts. */
  tell(videoId: string, out: Out): Promise<void>
}

/** The views that decide who may watch what. */
const WATCHABLE_VIEWS = [videosView, userVideosView, conversationsView]

/** Minimum time between two checks of a permission. */
const PAUSE_MS = 25

/** One per process: all viewers share its queries, which run when a view changes. */
export function readinessOf(
  { db, changes, log }: { db: Db; changes: Changes; log: Logger },
  { holdMs = 1_500, endMs = 60_000 }: ReadinessOptions = {},
): Readiness {
  const isWatchable = batched((requests: WatchRequest[]) => areWatchable(db, requests), {
    name: ({ viewer, videoId }) => `${viewer} ${videoId}`,
  })
  const videoBeyond = batched((known: { videoId: string; parts: number }[]) => videosBeyond(db, known), {
    name: ({ videoId, parts }) => `${parts} ${videoId}`,
  })

  /** Undefined without news. A failed query gives no news: the stream should outlive an outage of the database. */
  const news = (videoId: string, parts: number) =>
    videoBeyond({ videoId, parts }).catch((error) => {
      log.warn({ videoId, fault: faultOf(error) }, 'cannot read a video that clients watch')
      return undefined
    })

  return {
    async mayWatch(request) {
      if (await isWatchable(request)) return true
      const bell = openBell()
      const unwatch = changes.onMove(WATCHABLE_VIEWS, bell.ring)
      const until = performance.now() + holdMs
      const leftMs = () => until - performance.now()
      try {
        // One last check at the end, after the time has run out.
        while (leftMs() > 0) {
          bell.hush()
          if (await isWatchable(request)) return true
          await bell.wait(leftMs())
          if (leftMs() > 0) await sleep(PAUSE_MS)
        }
        return await isWatchable(request)
      } finally {
        unwatch()
      }
    },

    async tell(videoId, out) {
      const bell = openBell()
      // Subscribe before the first query, so that no later change is missed.
      const unwatch = changes.onRow(videosView, videoId, bell.ring)
      out.gone.addEventListener('abort', bell.ring, { once: true })
      const until = performance.now() + endMs
      const leftMs = () => until - performance.now()
      try {
        for (let parts = PARTS_UNKNOWN; !out.gone.aborted && leftMs() > 0; await bell.wait(leftMs())) {
          bell.hush()
          // A slow query must not outlast the stream.
          const found = unlessAborted(out.gone, news(videoId, parts)).catch(() => undefined)
          const video = await within(leftMs(), found, () => undefined)
          if (!video) continue
          await out.send(frame(parts === PARTS_UNKNOWN ? 'snapshot' : 'update', video))
          parts = partsOf(video)
          if (parts === ALL_PARTS) return await out.send(frame('done', video))
        }
      } finally {
        unwatch()
      }
    },
  }
}

/** Byte for byte the format that existing clients expect. */
export const frame = (event: 'snapshot' | 'update' | 'done', video: VideoRead): string =>
  `event: ${event}\ndata: {"event": "${event}", "video": ${textOf(video)}}\n\n`

const texts = new WeakMap<VideoRead, string>()

/** Serialized once for all viewers. */
function textOf(video: VideoRead): string {
  const text = texts.get(video) ?? pythonJson(videoRead(video))
  texts.set(video, text)
  return text
}
