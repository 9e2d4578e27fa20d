import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { ApiError, apiClient } from '../../kit/api-client.ts'

const Task = z.object({
  task_id: z.int(),
  task_details: z.object({ video_id: z.string() }),
  retry_count: z.int().optional(),
})

/** A task as returned by the API. */
export interface Task {
  id: number
  videoId: string
  /** 1 for the first attempt. */
  attempt: number
  /** Trace in which the API handed out the task, if it traces. */
  traceparent: string | null
}

/** Result of a task in the API's format. `permanent`: every further try would give the same result. */
export type Result = ({ success: true } & Record<string, unknown>) | { success: false; error_message: string; permanent?: true }

/** The API's routes for helpers, on VidWiz or on the original. */
export interface TaskApi {
  /**
   * Waits for a task. If the caller aborts meanwhile, it gets no task: the API takes the task back.
   * @returns undefined when there was no task in time
   * @throws ApiError
   */
  poll(kind: string, timeoutS: number, signal: AbortSignal): Promise<Task | undefined>
  /**
   * Reports the result of a task. May be repeated with the same key, which is an idempotency key.
   * @returns the task's new status, for example `pending`
   * @throws ApiError
   */
  submit(task: Task, result: Result, key: string, signal: AbortSignal): Promise<string>
}

/** Wait for an answer in addition to the poll's own timeout. */
const PATIENCE_MS = 10_000
/** Long transcripts are uploaded and stored before the answer comes. */
const SUBMIT_MS = 30_000

export const newKey = (): string => randomUUID()

/**
 * @param url of the API, without `/v2`
 */
export function taskApi(url: string, token: string): TaskApi {
  const { base, ask, json } = apiClient(url, '/v2/internal/tasks', token)
  return {
    async poll(kind, timeoutS, signal) {
      const timeoutMs = timeoutS * 1_000 + PATIENCE_MS
      const response = await ask(`?type=${kind}&timeout=${timeoutS}`, { timeoutMs, signal })
      if (response.status === 204) return undefined
      const task = Task.safeParse(await json(response, signal))
      if (!task.success) throw new ApiError(`${base} answered with something that is not a task`, 200)
      const { task_id: id, task_details, retry_count } = task.data
      return { id, videoId: task_details.video_id, attempt: retry_count ?? 1, traceparent: response.headers.get('traceresponse') }
    },

    async submit({ id, videoId }, result, key, signal) {
      const response = await ask(`/${id}/result`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({ video_id: videoId, ...result }),
        timeoutMs: SUBMIT_MS,
        signal,
      })
      const body = await json(response, signal)
      return String((body as { status?: unknown })?.status ?? 'taken')
    },
  }
}
