import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Settings } from '#platform/config/settings.ts'
import { unlessAborted } from '#platform/deadline.ts'
import { OperatorError, type Running } from '#platform/service.ts'
import { nameOf, type Received, traceparentOf } from '#platform/sqs/queues.ts'
import { openSpell, type Spell } from '#platform/telemetry/spell.ts'
import { quietly, type SpanDetails, span } from '#platform/telemetry/tracing/tracing.ts'
import { openBreaker } from '#platform/ytdlp/breaker.ts'
import type { YtDlp } from '#platform/ytdlp/install.ts'
import type { Verdict } from '#platform/ytdlp/verdict.ts'
import { adminToken, apiUrl } from '../kit/api-access.ts'
import { type Permission, youtubePermission } from '../kit/youtube-permission.ts'
import { type YtDlpReady, ytDlpReady } from '../kit/yt-dlp-ready.ts'
import { lastResortOf } from './dead-letter.ts'
import { Ended, type Ending, toldToStop } from './ending.ts'
import { jobApi } from './job-api.ts'
import { openLease } from './lease.ts'
import { type Measures, openMeasures } from './measures.ts'
import { readMessage } from './message.ts'
import { type InHand, type Settling, settling } from './settle.ts'
import { workOn } from './work.ts'
import { sweepWorkFolders } from './work-folder.ts'
import { type Times, usualTimes, type WorkerParts } from './worker-parts.ts'

/** SQS's limit for a long poll. */
const WAIT_SECONDS = 20
/** Initial visibility timeout. Short, because some servers hand a message to a client that has already hung up. */
const FIRST_SECONDS = 30
/** Time to report results after a stop. */
const FINISH_MS = 3_000
/** After a refusal, one worker tries YouTube again; the others wait this long for its result. */
const TRIAL_MS = 600_000

/**
 * @throws OperatorError naming both variables when neither is set
 */
export function queueUrlOf({ SQS_QUEUE_URL, SQS_TRANSCRIPTION_QUEUE_URL }: Settings): string {
  const url = SQS_QUEUE_URL ?? SQS_TRANSCRIPTION_QUEUE_URL
  if (url === undefined)
    throw new OperatorError('SQS_QUEUE_URL or SQS_TRANSCRIPTION_QUEUE_URL must be set: the queue whose videos are to be heard')
  return url
}

/**
 * Runs a media worker, which processes one message of the queue at a time.
 * @throws OperatorError when no queue is set, or there is no token for the API
 */
export function startWorker(parts: WorkerParts): Running {
  const worker = new Worker(parts)
  const done = worker.run()
  return {
    works: async () => worker.check(),
    async stop() {
      worker.stop()
      await done
    },
  }
}

const hearing = (queueUrl: string, message: Received): SpanDetails => ({
  name: 'helper media',
  kind: 'consumer',
  attributes: {
    'messaging.system': 'aws_sqs',
    'messaging.operation.type': 'process',
    'messaging.destination.name': nameOf(queueUrl),
    'messaging.batch.message_count': 1,
  },
  from: [traceparentOf(message)],
})

class Worker {
  private readonly parts: WorkerParts
  private readonly times: Times
  private readonly queueUrl: string
  private readonly apiOf: ReturnType<typeof jobApi>
  private readonly told = new AbortController()
  private readonly finishing = new AbortController()
  private readonly ends = { told: this.told.signal, finishing: this.finishing.signal }
  private readonly permission: Permission
  private readonly ytDlp: YtDlpReady
  private readonly measures: Measures
  private readonly settling: Settling
  private readonly warned = new Set<string>()
  private isBusy = false
  private readonly queueSpell: Spell
  private queueTrouble: Error | undefined
  private queueFailures = 0
  /** Why no video can be transcribed. */
  private deaf: string | undefined = 'the transcriber is not installed yet'
  /** Failures in a row that were not caused by a job. */
  private rests = 0

  constructor(parts: WorkerParts) {
    const { settings, log, metrics, queues } = parts
    this.parts = parts
    this.times = { ...usualTimes, ...parts.times }
    this.queueUrl = queueUrlOf(settings)
    this.apiOf = jobApi(apiUrl(settings), adminToken(settings), ({ message }) => log.warn(`asking the API again: ${message}`))
    this.queueSpell = openSpell(log, { queue: this.queueUrl })
    const { signal } = this.told
    const { VIDWIZ_DATA: data } = settings
    this.permission = youtubePermission({ data, who: `gpu-worker-${randomUUID()}`, trialMs: TRIAL_MS, signal })
    this.ytDlp = ytDlpReady({ settings, log, signal, without: 'no videos are transcribed' })
    this.measures = openMeasures(metrics, () => this.isBusy)
    const { times, queueUrl, ends: stop, measures } = this
    this.settling = settling({ queues, queueUrl, times, stop, measures })
  }

  /**
   * @throws when something is missing, or the last read of the queue failed
   */
  check(): void {
    const missing = this.ytDlp.missing() ?? this.deaf
    if (missing) throw new OperatorError(missing)
    if (this.queueTrouble) throw this.queueTrouble
  }

  stop(): void {
    this.told.abort(toldToStop())
    setTimeout(() => this.finishing.abort(toldToStop()), FINISH_MS).unref()
  }

  async run(): Promise<void> {
    const { settings, log } = this.parts
    const { signal } = this.told
    log.info({ queue: this.queueUrl, api: apiUrl(settings) }, 'waits for videos')
    while (!signal.aborted) {
      try {
        // Repeated: the death of a worker on another machine shows only after a while.
        this.sweep()
        const ytDlp = await this.ytDlp.ready()
        await this.listens()
        await this.permission.permitted((reason, until) =>
          log.warn({ reason, until: new Date(until) }, 'YouTube refuses: waiting (`npx vidwiz helpers resume` ends it)'),
        )
        const received = await this.receive()
        if (received)
          await span(
            () => hearing(this.queueUrl, received),
            () => this.handle(received, ytDlp),
          )
      } catch (error) {
        if (signal.aborted) break
        log.error({ error }, 'unexpected')
        await this.pause(this.times.restMs(++this.rests))
      }
    }
    await this.permission.end().catch(() => {})
  }

  private sweep(): void {
    const folders = sweepWorkFolders(this.parts.settings.VIDWIZ_DATA)
    if (folders > 0) this.parts.log.info({ folders }, 'removed what killed workers left behind')
  }

  /** Waits until faster-whisper works. Logs its device, or what is missing, once. */
  private async listens(): Promise<void> {
    const { log, transcriber } = this.parts
    const { signal } = this.told
    for (let failures = 1; ; failures++) {
      try {
        const device = await unlessAborted(signal, transcriber.device())
        if (this.deaf !== undefined) log.info({ device }, `transcribes on ${device}`)
        this.deaf = undefined
        return
      } catch (error) {
        signal.throwIfAborted()
        const { message } = error as Error
        if (this.deaf !== message) log.warn(`no videos are transcribed: ${message}`)
        this.deaf = message
        await this.pause(this.times.restMs(failures))
      }
    }
  }

  /** Undefined when no message came, or when YouTube may no longer be asked. */
  private async receive(): Promise<Received | undefined> {
    const permission = this.permission.whilePermitted()
    try {
      const [received] = await quietly(() =>
        this.parts.queues.receive(this.queueUrl, {
          max: 1,
          waitSeconds: WAIT_SECONDS,
          visibilitySeconds: Math.min(FIRST_SECONDS, this.parts.settings.MEDIA_VISIBILITY_SECONDS),
          signal: permission.signal,
        }),
      )
      this.queueTrouble = undefined
      this.queueFailures = 0
      this.queueSpell.worked()
      return received
    } catch (error) {
      this.queueTrouble = error as Error
      this.queueSpell.failed(error)
      await this.pause(this.times.restMs(++this.queueFailures))
      return undefined
    } finally {
      permission.close()
    }
  }

  private async handle(received: Received, ytDlp: YtDlp): Promise<void> {
    const { parts, times, ends: stop, measures, queueUrl } = this
    const { queues, settings } = parts
    const { messageId, receiveCount: receives } = received
    const message = readMessage(received.body)
    if ('cause' in message) {
      await this.settling.bury(received, message.cause, parts.log.child({ messageId, receives }))
      return measures.ended('poison')
    }
    const { video, jobId } = message
    const log = parts.log.child({ messageId, receives, video, ...(jobId && { jobId }) })
    const gone = new AbortController()
    const onLost = () => gone.abort(new Ended({ kind: 'lost' }))
    const lease = openLease({ queues, queueUrl, message: received, seconds: settings.MEDIA_VISIBILITY_SECONDS, log, onLost })
    // Asked now, because there is no time for it during a stop.
    const lastResort = lastResortOf(queues, queueUrl)
    const inHand: InHand = { received, api: this.apiOf(message), log, lease, jobId, lastResort }
    this.isBusy = true
    try {
      const onVerdict = (verdict: Verdict | undefined) => this.answered(verdict)
      const onWarning = (verdict: Verdict) => this.warn(verdict)
      const ending = await workOn(inHand, gone, { parts, times, stop, measures, ytDlp, onVerdict, onWarning })
      await this.settling.settle(inHand, ending)
      this.isBusy = false
      await this.restAfter(ending)
    } finally {
      // Nothing more is sent about the message, so there is no need to wait.
      void lease.end()
      this.isBusy = false
    }
  }

  /** An answer about a video shows that YouTube answers this machine again. */
  private async answered(verdict: Verdict | undefined): Promise<void> {
    if (verdict?.meaning === 'stop') {
      await openBreaker(this.parts.settings.VIDWIZ_DATA, verdict.reason)
      await this.permission.end()
    } else if (!verdict || verdict.meaning === 'never') await this.permission.answered()
    if (verdict?.meaning === 'set-up') this.warn(verdict)
  }

  /** A fault of this installation affects every job: log it once, with the remedy. */
  private warn({ reason, remedy }: Verdict): void {
    if (!remedy || this.warned.has(remedy)) return
    this.warned.add(remedy)
    this.parts.log.warn(remedy === reason ? remedy : `${remedy} (${reason})`)
  }

  /** Pauses before the next message: the cause of this ending would fail the next one as well. Logged once. */
  private async restAfter(ending: Ending): Promise<void> {
    const rests = ending.kind === 'returned' ? ending.rests : undefined
    if (ending.kind !== 'returned' || (rests !== 'set-up' && rests !== 'away')) {
      this.rests = 0
      return
    }
    const ms = this.times.restMs(++this.rests)
    if (this.rests === 1) this.parts.log.warn({ seconds: Math.round(ms / 1000) }, `pauses: ${ending.cause}`)
    await this.pause(ms)
  }

  private pause = (ms: number) => sleep(ms, undefined, { signal: this.told.signal }).catch(() => {})
}
