import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { readSettings } from '#platform/config/settings.ts'
import type { Running, Start } from '#platform/service.ts'
import { OperatorError } from '#platform/service.ts'
import { backoffMs, stopping } from '#platform/stopping.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import { span } from '#platform/telemetry/tracing/tracing.ts'
import { isInDoubt, openBreaker, readBreaker } from '#platform/ytdlp/breaker.ts'
import type { YtDlp } from '#platform/ytdlp/install.ts'
import { CutShort } from '#platform/ytdlp/run.ts'
import type { Verdict } from '#platform/ytdlp/verdict.ts'
import { NotHad, type VideoTools, withVideo } from '#platform/ytdlp/video.ts'
import { adminToken, apiUrl } from '../../kit/api-access.ts'
import { ApiError } from '../../kit/api-client.ts'
import { type Permission, youtubePermission } from '../../kit/youtube-permission.ts'
import { type YtDlpReady, ytDlpReady } from '../../kit/yt-dlp-ready.ts'
import { newKey, type Result, type Task, type TaskApi, taskApi } from './api.ts'

/** Findings of a task: `result` for the API, `told` for the log. */
export interface Found {
  result: Record<string, unknown>
  told: Record<string, unknown>
}

/** A kind of task that helpers do. */
export interface Kind {
  name: 'transcript' | 'metadata'
  fetch(video: VideoTools, isInDoubt: boolean): Promise<Found>
}

/** Time limits after a stop, for finishing the task and for telling the API. Both are below the supervisor's limit. */
const FINISH_MS = 6_000
const TELL_MS = 12_000
/** Pause between two tries to reach the API. */
const PAUSE = { firstMs: 1_000, longestMs: 30_000 }
/** Maximum number of tries to report a result while the API is away: after that the lease has expired. */
const TELLINGS = 6
const VIDEO_ID = /^[\w-]{11}$/

/** Starts a helper: it asks the API for tasks of its kind, one at a time, until stopped. */
export const helper = (kind: Kind): Start => {
  return async (log, _, metrics): Promise<Running> => {
    const settings = readSettings()
    const url = apiUrl(settings)
    const work = new Work(kind, { log, metrics, api: taskApi(url, adminToken(settings)) })
    log.info({ api: url, pollSeconds: settings.HELPER_POLL_SECONDS }, 'asks for tasks')
    const done = work.run()
    return {
      works: async () => work.check(),
      async stop() {
        work.stop()
        await done
      },
    }
  }
}

interface Parts {
  log: Logger
  metrics: Metrics
  api: TaskApi
}

class Work {
  private readonly kind: Kind
  private readonly log: Logger
  private readonly api: TaskApi
  private readonly settings = readSettings()
  private readonly asking: Permission
  private readonly ytDlp: YtDlpReady
  /** Stops taking tasks. */
  private readonly stopping = stopping()
  /** `hurry` aborts the current task, `enough` also the report of its result. */
  private readonly hurry = new AbortController()
  private readonly enough = new AbortController()
  private readonly count: (labels: { kind: string; outcome: string }) => void
  private readonly time: (labels: { kind: string }, seconds: number) => void
  private readonly warned = new Set<string>()

  constructor(kind: Kind, { log, metrics, api }: Parts) {
    this.kind = kind
    this.log = log
    this.api = api
    const { VIDWIZ_DATA: data, HELPER_POLL_SECONDS: pollS, YTDLP_TASK_SECONDS: taskS } = this.settings
    const trialMs = (pollS + taskS + 60) * 1_000
    const { signal } = this.stopping
    this.asking = youtubePermission({ data, who: `${kind.name}-${randomUUID()}`, trialMs, signal })
    this.ytDlp = ytDlpReady({ settings: this.settings, log, signal, without: `no ${plural(kind.name)} are fetched` })
    this.count = metrics.counter({
      name: 'vidwiz_helper_tasks_total',
      help: 'Tasks that helpers have done, by outcome',
      labels: ['kind', 'outcome'],
    })
    this.time = metrics.histogram({
      name: 'vidwiz_helper_task_seconds',
      help: 'How long a task took, from its arrival to its result',
      labels: ['kind'],
      buckets: [0.5, 1, 2, 4, 8, 15, 30, 60, 120],
    })
    metrics.gauge({ name: 'vidwiz_helper_ready', help: '1 when yt-dlp can be run', labels: ['kind'] }, () => [
      { labels: { kind: kind.name }, value: this.ytDlp.missing() === undefined ? 1 : 0 },
    ])
    metrics.gauge(
      {
        name: 'vidwiz_youtube_breaker_open',
        help: '1 while YouTube refuses this installation and nobody asks it',
        labels: ['kind'],
      },
      () => [{ labels: { kind: kind.name }, value: readBreaker(data).state === 'closed' ? 0 : 1 }],
    )
  }

  /**
   * @throws OperatorError when yt-dlp is missing
   */
  check(): void {
    const missing = this.ytDlp.missing()
    if (missing) throw new OperatorError(missing)
  }

  stop(): void {
    this.stopping.stop()
    setTimeout(() => this.hurry.abort(), FINISH_MS).unref()
    setTimeout(() => this.enough.abort(), TELL_MS).unref()
  }

  async run(): Promise<void> {
    while (!this.stopping.stopped()) {
      try {
        const ytDlp = await this.ytDlp.ready()
        await this.asking.permitted((reason, until) =>
          this.log.warn({ reason, until: new Date(until) }, 'YouTube refuses: waiting (`npx vidwiz helpers resume` ends it)'),
        )
        const task = await this.nextTask()
        if (task)
          await span(
            () => ({ name: `helper ${this.kind.name}`, kind: 'consumer', from: [task.traceparent] }),
            () => this.work(task, ytDlp),
          )
      } catch (error) {
        if (this.stopping.stopped()) break
        this.log.error({ error }, 'unexpected')
        await this.stopping.pause(PAUSE.longestMs)
      }
    }
    await this.asking.end().catch(() => {})
  }

  /**
   * Long-polls; undefined when there was no task, or when YouTube may no longer be asked. Each problem of the API is logged once.
   */
  private async nextTask(): Promise<Task | undefined> {
    const permission = this.asking.whilePermitted()
    let [failures, told] = [0, '']
    try {
      while (true) {
        try {
          const task = await this.api.poll(this.kind.name, this.settings.HELPER_POLL_SECONDS, permission.signal)
          if (failures > 0) this.log.info('the API answers again')
          return task
        } catch (error) {
          if (permission.signal.aborted) return undefined
          if (!(error instanceof ApiError)) throw error
          failures++
          if (error.message !== told) this.log.warn(`no tasks: ${error.message}; asking again, at growing intervals`)
          told = error.message
          await sleep(Math.max(error.retryAfterMs ?? 0, backoffMs(failures, PAUSE)), undefined, {
            signal: permission.signal,
          }).catch(() => {})
        }
      }
    } finally {
      permission.close()
    }
  }

  private async work(task: Task, ytDlp: YtDlp): Promise<void> {
    const began = performance.now()
    const { result, verdict, told } = await this.resultOf(task, ytDlp)
    if (verdict?.meaning === 'stop') await this.refused(verdict)
    // An answer about a video shows that YouTube answers this machine again.
    else if (!verdict || verdict.meaning === 'never') await this.asking.answered()
    const status = await this.tell(task, result)
    const seconds = (performance.now() - began) / 1000
    const outcome = verdict?.meaning ?? (result.success ? 'found' : 'stopped')
    this.count({ kind: this.kind.name, outcome })
    this.time({ kind: this.kind.name }, seconds)
    const line = { task: task.id, videoId: task.videoId, attempt: task.attempt, status, seconds: Math.round(seconds * 100) / 100 }
    if (result.success) this.log.info({ ...line, ...told }, `${this.kind.name} found`)
    else this.log.info({ ...line, outcome, reason: result.error_message }, `${this.kind.name} not found`)
  }

  private async refused({ reason }: Verdict): Promise<void> {
    await openBreaker(this.settings.VIDWIZ_DATA, reason)
    await this.asking.end()
  }

  private async resultOf(task: Task, ytDlp: YtDlp): Promise<{ result: Result; verdict?: Verdict; told?: Found['told'] }> {
    const { settings, kind } = this
    const failed = (verdict: Verdict) => {
      const { meaning, reason, remedy } = verdict
      if (remedy) this.warn(verdict)
      const permanent = meaning === 'never' ? { permanent: true as const } : {}
      return { verdict, result: { success: false as const, error_message: reason, ...permanent } }
    }
    if (!VIDEO_ID.test(task.videoId)) return failed({ meaning: 'never', reason: 'this is not the id of a video on YouTube' })
    try {
      const found = await withVideo(
        task.videoId,
        {
          ytDlp,
          ways: { cookies: settings.YTDLP_COOKIES, proxy: settings.YTDLP_PROXY, extractorArgs: settings.YTDLP_EXTRACTOR_ARGS },
          watchUrl: settings.YOUTUBE_WATCH_URL,
          data: settings.VIDWIZ_DATA,
          timeoutMs: settings.YTDLP_TASK_SECONDS * 1_000,
          signal: this.hurry.signal,
          onWarning: (verdict) => this.warn(verdict),
        },
        (video) => kind.fetch(video, isInDoubt(settings.VIDWIZ_DATA)),
      )
      return { result: { success: true, ...found.result }, told: found.told }
    } catch (error) {
      if (error instanceof NotHad) return failed(error.verdict)
      if (error instanceof CutShort && error.why === 'stopped')
        return { result: { success: false, error_message: 'the helper was stopped; another one may try' } }
      if (error instanceof CutShort) return failed({ meaning: 'later', reason: error.message })
      if (error instanceof OperatorError) return failed({ meaning: 'set-up', reason: error.message, remedy: error.message })
      this.log.error({ error, task: task.id, videoId: task.videoId }, 'a task failed in an unexpected way')
      return failed({ meaning: 'later', reason: 'the helper failed' })
    }
  }

  /** A fault of this installation affects every task: log it once, with the remedy. */
  private warn({ reason, remedy }: Verdict): void {
    if (!remedy || this.warned.has(remedy)) return
    this.warned.add(remedy)
    this.log.warn(remedy === reason ? remedy : `${remedy} (${reason})`)
  }

  /** Reports a result, with retries while the API is away. A result that the API rejects (413, 422) becomes a permanent failure. */
  private async tell(task: Task, result: Result): Promise<string> {
    let said = result
    let key = newKey()
    for (let telling = 1; ; telling++) {
      try {
        return await this.api.submit(task, said, key, this.enough.signal)
      } catch (error) {
        const status = error instanceof ApiError ? error.status : undefined
        const isUnwanted = status === 413 || status === 422
        const mayPass = status === undefined || status === 429 || status >= 500 || status === 401 || status === 403
        this.log.warn({ task: task.id, videoId: task.videoId }, `the result was not taken: ${(error as Error).message}`)
        if (isUnwanted && said.success) {
          said = { success: false, error_message: `the API refused the result (${status})`, permanent: true }
          key = newKey()
          continue
        }
        if (!mayPass || telling === TELLINGS || this.stopping.stopped()) return 'untold'
        await this.stopping.pause(backoffMs(telling, PAUSE))
      }
    }
  }
}

const plural = (name: Kind['name']) => (name === 'transcript' ? 'transcripts' : 'metadata')
