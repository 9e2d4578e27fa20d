import { SQSClient } from '@aws-sdk/client-sqs'
import type { Context, S3Event, SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { type Api, type Asking, openApi } from '../kit/api.ts'
import { batchHandler } from '../kit/batch.ts'
import { deadlineOf } from '../kit/deadline.ts'
import type { DispatcherEnvironment } from '../kit/environment.ts'
import { log, reasonOf } from '../kit/log.ts'
import { noteRequestOf } from '../kit/note-request.ts'
import { secondsOf } from '../kit/timestamp.ts'
import { sendAll } from './send-all.ts'
import { videosIn } from './transcript-events.ts'

/** Event from S3, from a queue of S3 notifications, or from a person who names videos. */
export type DispatcherEvent = S3Event | SQSEvent | { video_ids: string[] }

export interface DispatcherTools {
  api: Api
  /** Sends to the queue with this URL. */
  send(queueUrl: string, messages: readonly unknown[], signal: AbortSignal): Promise<void>
}

/** A task, read from any kind of event. */
interface Task {
  videoIds: string[]
  /** True for a new transcript, which has no summary yet. */
  summarise: boolean
}

/** Reads the request of S3 or a person. @throws Error */
export function taskOf(event: unknown): Task {
  const { video_ids: named } = (event ?? {}) as { video_ids?: unknown }
  if (named === undefined) return { videoIds: videosIn(event), summarise: true }
  if (!Array.isArray(named) || !named.every((id) => typeof id === 'string')) throw new Error('video_ids is not a list of ids')
  return { videoIds: [...new Set(named)], summarise: false }
}

/** Requests the summary of each video, and the texts of its notes that wait for one. */
export const dispatching =
  ({ api, send }: DispatcherTools, { noteQueueUrl, summaryQueueUrl }: DispatcherEnvironment) =>
  async ({ videoIds, summarise }: Task, asking: Asking): Promise<string> => {
    const failures: string[] = []
    let notes = 0
    for (const videoId of videoIds)
      try {
        if (summarise) await send(summaryQueueUrl, [{ video_id: videoId }], asking.signal)
        const waiting = (await api.notesForAi(videoId, asking)).filter(canBeWritten)
        await send(noteQueueUrl, waiting, asking.signal)
        notes += waiting.length
      } catch (error) {
        failures.push(`${videoId}: ${reasonOf(error)}`)
      }
    // The other videos are done. A retry sends their messages twice, which is harmless.
    if (failures.length > 0) throw new Error(failures.join('; '))
    return `asked for ${notes} notes of ${videoIds.length} videos`
  }

/** The API accepts any timestamp; a note with an unreadable one would only become a dead letter. */
function canBeWritten(note: unknown): boolean {
  try {
    return Number.isFinite(secondsOf(noteRequestOf(note as Record<string, unknown>).timestamp))
  } catch {
    return false
  }
}

/** The handler. An S3 event fails as a whole and AWS retries it; messages of a queue fail one by one. */
export function dispatcherHandler(tools: DispatcherTools, environment: DispatcherEnvironment) {
  const dispatch = dispatching(tools, environment)
  const batch = batchHandler(
    () =>
      ({ message, signal, headers }) =>
        dispatch(taskOf(message), { signal, headers }),
  )
  return async (event: DispatcherEvent, context: Context): Promise<SQSBatchResponse | undefined> => {
    if (isFromQueue(event)) return batch(event, context)
    const asking = { signal: deadlineOf(context), headers: { 'X-Request-ID': context.awsRequestId } }
    log('info', await dispatch(taskOf(event), asking))
    return undefined
  }
}

const isFromQueue = (event: DispatcherEvent): event is SQSEvent =>
  (event as SQSEvent | null)?.Records?.[0]?.eventSource === 'aws:sqs'

/** The handler with its real dependencies. */
export function openDispatcher(environment: DispatcherEnvironment) {
  const { region, sqsEndpoint: endpoint } = environment.aws
  // Other SQS servers put host names in queue URLs that only they can resolve: use the endpoint instead.
  const client = new SQSClient({ region, ...(endpoint !== undefined && { endpoint, useQueueUrlAsEndpoint: false }) })
  const tools: DispatcherTools = {
    api: openApi(environment.api),
    send: (queueUrl, messages, signal) => sendAll(client, queueUrl, messages, signal),
  }
  return dispatcherHandler(tools, environment)
}
