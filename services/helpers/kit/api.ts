import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { ApiError, apiClient } from '../../kit/api-client.ts'

const Task = z.object({
  task_id: z.int(),
  task_details: z.object({ video_id: z.string() }),
  retry_count: z.int().optional(),
})

/** A task as the API hands it out. */
export interface Task {
  id: number
  videoId: string
  /** 1 for the first. */
  attempt: number
}

/** What came of a task, in the words of the API. `permanent`: it will be the same however often it is tried. */
export type Result = ({ success: true } & Record<string, unknown>) | { success: false; error_message: string; permanent?: true }

/** What a helper asks of the API, of ours or of the original one. */
export interface TaskApi {
  /**
   * Waits for a task. Who aborts it meanwhile gets none: the API takes it back.
   * @returns undefined when there was none in time
   * @throws ApiError
   */
  poll(kind: string, timeoutS: number, signal: AbortSignal): Promise<Task | undefined>
  /**
   * Says how a task went. May be repeated: with the same key nothing happens twice.
   * @returns what became of the task, for example `pending`
   * @throws ApiError
   */
  submit(task: Task, result: Result, key: string, signal: AbortSignal): Promise<string>
}

/** The wait for an answer, beyond what was asked for. */
const PATIENCE_MS = 10_000
/** Long transcripts go out, and are stored, before the answer comes. */
const SUBMIT_MS = 30_000

export const newKey = (): string => randomUUID()

/** @param url of the API, without `/v2` */
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
      return { id, videoId: task_details.video_id, attempt: retry_count ?? 1 }
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
