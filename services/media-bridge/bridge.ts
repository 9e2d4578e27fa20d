import { findForMessage, findUnsentMedia, MediaProcessingRequested, recordMediaDispatch } from '#events/media.ts'
import { type Execute, Rejected } from '#platform/log/commands/executor.ts'
import { Unable } from '#platform/log/reactor/caused-commands.ts'
import type { Reactor } from '#platform/log/reactor/reactor.ts'
import { queueBridge } from '../kit/bridge.ts'
import type { Post } from '../kit/post.ts'
import { bodyOf, type Job, NAME, type QueueName } from './message.ts'

export interface MediaBridgeOptions {
  execute: Execute
  post: Post<QueueName>
  /** Prefix of a video's address, before its id. */
  watchUrl: string
  /** Waits for a bounded time until workers that read jobs from a database can find the job there. */
  untilShown(job: { videoId: string; jobId: number }): Promise<unknown>
}

/** Sends jobs to the media workers' queue, and records that. */
export const mediaBridge = ({ execute, post, watchUrl, untilShown }: MediaBridgeOptions): Reactor =>
  queueBridge(NAME, [MediaProcessingRequested], {
    execute,
    post,
    async unsent(jobs: readonly Job[]) {
      const isUnsent = await Promise.all(
        jobs.map(async ({ data: { videoId, jobId, attempt }, correlationId }) => {
          const found = await execute(findUnsentMedia({ videoId, jobId, attempt }), { actor: NAME, correlationId })
          return found.result.isUnsent
        }),
      )
      return jobs.filter((_, i) => isUnsent[i])
    },
    /** The user's e-mail address is looked up now, because no event of the job contains it (P9). */
    async message(job) {
      await untilShown(job.data)
      try {
        const { result } = await execute(findForMessage(job.data), { actor: NAME, correlationId: job.correlationId })
        return { queue: 'media', body: bodyOf(job, { ...result, watchUrl }) }
      } catch (error) {
        if (error instanceof Rejected) throw new Unable(`nothing is known of video ${job.data.videoId}`, { cause: error })
        throw error
      }
    },
    record: ({ data: { videoId, jobId, attempt } }, messageId) => recordMediaDispatch({ videoId, jobId, attempt, messageId }),
  })
