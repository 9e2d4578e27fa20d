import type { Logger } from 'pino'
import { batched } from '#platform/batched.ts'
import { faultOf } from '#platform/http/access-log.ts'
import { pythonJson } from '#platform/http/python-json.ts'
import type { Out } from '#platform/http/stream.ts'
import type { Db } from '#platform/pg/pool.ts'
import { conversationsView } from '#projections/conversations.ts'
import type { Changes } from '#projections/engine/changes.ts'
import { userVideosView } from '#projections/user-videos.ts'
import { ALL_PARTS, PARTS_UNKNOWN, partsOf, type VideoRead, videosBeyond, videosView } from '#projections/videos.ts'
import { areWatchable, type Watching } from '#projections/watching.ts'
import { videoRead } from './video-read.ts'

export interface ReadinessOptions {
  /** How long who may not watch a video waits until it may: pages ask before they have made it so. */
  holdMs?: number
  /** How long a video may take to become ready before the client is sent away, to come again. */
  endMs?: number
}

/** Tells viewers how a video becomes ready. */
export interface Readiness {
  /** Whether somebody may watch a video; false only after a while. */
  mayWatch(watching: Watching): Promise<boolean>
  /** Sends what the video is, whenever it gets or loses a part, until it has all. */
  tell(videoId: string, out: Out): Promise<void>
}

/** What says who may watch what. */
const WATCHABLE_VIEWS = [videosView, userVideosView, conversationsView]

/** At least so long between two looks at whether somebody may watch by now. */
const PAUSE_MS = 25

/** One per process: all who watch share its questions to the database, which are asked when something changes. */
export function readinessOf(
  { db, changes, log }: { db: Db; changes: Changes; log: Logger },
  { holdMs = 1_500, endMs = 60_000 }: ReadinessOptions = {},
): Readiness {
  const isWatchable = batched((watching: Watching[]) => areWatchable(db, watching), {
    name: ({ viewer, videoId }) => `${viewer} ${videoId}`,
  })
  const videoBeyond = batched((known: { videoId: string; parts: number }[]) => videosBeyond(db, known), {
    name: ({ videoId, parts }) => `${parts} ${videoId}`,
  })

  /** Undefined when there is no news; that the database is away shall not end a stream that outlives it. */
  const news = (videoId: string, parts: number) =>
    videoBeyond({ videoId, parts }).catch((error) => {
      log.warn({ videoId, fault: faultOf(error) }, 'cannot look at a video that is watched')
      return undefined
    })

  return {
    async mayWatch(watching) {
      if (await isWatchable(watching)) return true
      const bell = bellOf()
      const unwatch = changes.onMove(WATCHABLE_VIEWS, bell.ring)
      const late = setTimeout(bell.stop, holdMs)
      try {
        // Looked at once more at the end, whoever rang.
        for (let isLate = false; !isLate; ) {
          if (await isWatchable(watching)) return true
          isLate = await bell.rung()
          if (!isLate) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
        }
        return isWatchable(watching)
      } finally {
        clearTimeout(late)
        unwatch()
      }
    },

    async tell(videoId, out) {
      const bell = bellOf()
      // Before the first look: what changes after it is not missed.
      const unwatch = changes.onRow(videosView, videoId, bell.ring)
      const end = setTimeout(bell.stop, endMs)
      out.gone.addEventListener('abort', bell.stop, { once: true })
      try {
        let parts = PARTS_UNKNOWN
        for (let isOver = false; !isOver; isOver = out.gone.aborted || (await bell.rung())) {
          // However long the database takes to answer.
          const video = await Promise.race([news(videoId, parts), bell.stopped])
          if (!video) continue
          await out.send(frame(parts === PARTS_UNKNOWN ? 'snapshot' : 'update', video))
          parts = partsOf(video)
          if (parts === ALL_PARTS) return await out.send(frame('done', video))
        }
      } finally {
        clearTimeout(end)
        unwatch()
      }
    },
  }
}

/** To the letter what clients have always been sent. */
export const frame = (event: 'snapshot' | 'update' | 'done', video: VideoRead): string =>
  `event: ${event}\ndata: {"event": "${event}", "video": ${textOf(video)}}\n\n`

const texts = new WeakMap<VideoRead, string>()

/** Written once, however many get it. */
function textOf(video: VideoRead): string {
  const text = texts.get(video) ?? pythonJson(videoRead(video))
  texts.set(video, text)
  return text
}

/** Wakes one waiter; a ring while nobody waits is kept for the next wait. */
function bellOf() {
  const stopped = Promise.withResolvers<undefined>()
  let hasRung = false
  let isStopped = false
  let wake = () => {}
  const ring = () => {
    hasRung = true
    wake()
  }
  return {
    ring,
    stop() {
      isStopped = true
      stopped.resolve(undefined)
      ring()
    },
    /** Resolves when it has stopped. */
    stopped: stopped.promise,
    /** Resolves at the next ring; true once it has stopped. */
    async rung(): Promise<boolean> {
      if (!hasRung && !isStopped)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      hasRung = false
      return isStopped
    },
  }
}
