import { randomUUID } from 'node:crypto'
import { z } from 'zod'

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

/** The API did not do what it was asked for. */
export class ApiError extends Error {
  override name = 'ApiError'
  /** Undefined when there was no answer at all. */
  readonly status: number | undefined
  /** The API's own wish, of when to come again. */
  readonly retryAfterMs: number | undefined
  constructor(message: string, status?: number, retryAfterMs?: number) {
    super(message)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

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

/** The wait for an answer, beyond what was asked for. To connect, `fetch` by itself takes ten seconds and no more. */
const PATIENCE_MS = 10_000
/** Long transcripts go out, and are stored, before the answer comes. */
const SUBMIT_MS = 30_000

export const newKey = (): string => randomUUID()

/** @param url of the API, without `/v2` */
export function taskApi(url: string, token: string): TaskApi {
  const base = `${url.replace(/\/+$/, '')}/v2/internal/tasks`
  async function ask(path: string, options: RequestInit, timeoutMs: number, signal: AbortSignal): Promise<Response> {
    const timeout = AbortSignal.timeout(timeoutMs)
    const headers = { authorization: `Bearer ${token}`, ...options.headers }
    try {
      // Wherever a redirection leads, the token is not for there.
      return await fetch(base + path, { ...options, headers, redirect: 'error', signal: AbortSignal.any([signal, timeout]) })
    } catch (error) {
      signal.throwIfAborted()
      throw new ApiError(`${base} does not answer: ${timeout.aborted ? 'it took too long' : whyOf(error)}`)
    }
  }

  return {
    async poll(kind, timeoutS, signal) {
      const response = await ask(`?type=${kind}&timeout=${timeoutS}`, {}, timeoutS * 1_000 + PATIENCE_MS, signal)
      if (response.status === 204) return undefined
      const body = await bodyOf(response, signal)
      if (response.status !== 200) throw refusal(response, body)
      const task = Task.safeParse(body)
      if (!task.success) throw new ApiError(`${base} answered with something that is not a task`, 200)
      const { task_id: id, task_details, retry_count } = task.data
      return { id, videoId: task_details.video_id, attempt: retry_count ?? 1 }
    },

    async submit({ id, videoId }, result, key, signal) {
      const response = await ask(
        `/${id}/result`,
        {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': key },
          body: JSON.stringify({ video_id: videoId, ...result }),
        },
        SUBMIT_MS,
        signal,
      )
      const body = await bodyOf(response, signal)
      if (response.status !== 200) throw refusal(response, body)
      return String((body as { status?: unknown })?.status ?? 'taken')
    },
  }
}

/** @throws ApiError when the connection breaks, or what comes is not JSON */
async function bodyOf(response: Response, signal: AbortSignal): Promise<unknown> {
  try {
    return JSON.parse(await response.text())
  } catch (error) {
    signal.throwIfAborted()
    if (response.ok) throw new ApiError(`the answer cannot be read: ${whyOf(error)}`)
    return undefined
  }
}

const MOST_RETRY_AFTER_S = 300

function refusal(response: Response, body: unknown): ApiError {
  const said = (body as { error?: { message?: unknown } } | undefined)?.error?.message
  const retryAfterS = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new ApiError(
    `${new URL(response.url).origin} answered ${response.status}${said ? ` (${String(said).slice(0, 200)})` : ''}`,
    response.status,
    retryAfterS > 0 ? Math.min(retryAfterS, MOST_RETRY_AFTER_S) * 1_000 : undefined,
  )
}

const whyOf = (error: unknown) => {
  const { cause, message } = error as Error & { cause?: { code?: string; message?: string } }
  return cause?.code ?? cause?.message ?? message
}
