import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Settings } from '#platform/config/settings.ts'
import type { ObjectStore } from '#platform/objects/open.ts'
import { type Running, Trouble } from '#platform/service.ts'
import type { Queues, Received } from '#platform/sqs/queues.ts'
import { backoffMs } from '#platform/stopping.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import { openSpell, type Spell } from '#platform/telemetry/spell.ts'
import { openBreaker } from '#platform/ytdlp/breaker.ts'
import type { YtDlp } from '#platform/ytdlp/install.ts'
import type { Verdict } from '#platform/ytdlp/verdict.ts'
import { adminToken, apiUrl } from '../kit/api-access.ts'
import { type Permission, youtubePermission } from '../kit/youtube-permission.ts'
import { type YtDlpReady, ytDlpReady } from '../kit/yt-dlp-ready.ts'
import { buried, type LastResort, lastResortOf } from './dead-letter.ts'
import { againSeconds, Ended, type Ending, endingOf, toldToStop } from './ending.ts'
import { doJob } from './job.ts'
import { type Job, type JobApi, jobApi, type Report } from './job-api.ts'
import { heardKey, studyKey } from './keys.ts'
import { type Lease, openLease } from './lease.ts'
import { type Measures, openMeasures } from './measures.ts'
import { type Message, readMessage } from './message.ts'
import { unlessAborted } from './patience.ts'
import type { Sound, Transcriber, Tutor } from './ports.ts'
import { openProgress } from './progress.ts'
import { openStored } from './stored.ts'
import { sweepWorkFolders, takeWorkFolder } from './work-folder.ts'

export interface WorkerParts {
  settings: Settings
  log: Logger
  metrics: Metrics
  queues: Queues
  objects: ObjectStore
  transcriber: Transcriber
  tutor: Tutor
  sound: Sound
  times?: Partial<Times>
}

export interface Times {
  /** For how long the API or the store may be away before a message is given back. */
  patienceMs: number
  /** Between two words to the API on how far a job has come. */
  progressMs: number
  /** Until a job comes again, by how often its message was received. */
  againSeconds(receives: number): number
  /** Until the worker takes another message when something was not as it must be, by how often in a row. */
  restMs(times: number): number
}

const usualTimes: Times = {
  patienceMs: 300_000,
  progressMs: 10_000,
  againSeconds,
  restMs: (times) => backoffMs(times, { firstMs: 20_000, longestMs: 600_000 }),
}

/** As long as SQS lets one wait for messages. */
const WAIT_SECONDS = 20
/** Hidden so long at first: some servers hand a message to who has hung up. */
const FIRST_SECONDS = 30
/** From a stop on: so long what was made may still be told of; and the API and SQS have so long to take the message back. */
const FINISH_MS = 3_000
const TAKE_BACK_MS = 2_500
/** YouTube is tried with one job; others wait that long for what comes of it. */
const TRIAL_MS = 600_000
/** Not longer than SQS lets one delay a message. */
const MOST_AGAIN_S = 900

/** @throws Trouble naming both variables when neither is set */
export function queueUrlOf({ SQS_QUEUE_URL, SQS_TRANSCRIPTION_QUEUE_URL }: Settings): string {
  const url = SQS_QUEUE_URL ?? SQS_TRANSCRIPTION_QUEUE_URL
  if (url === undefined)
    throw new Trouble('SQS_QUEUE_URL or SQS_TRANSCRIPTION_QUEUE_URL must be set: the queue whose videos are to be heard')
  return url
}

/**
 * Runs a media worker: it takes one message at a time from the queue, and does what is asked for in it.
 * @throws Trouble when it is not told which queue, or has no token for the API
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

/** A message in hand. */
interface InHand {
  received: Received
  message: Message
  api: JobApi
  log: Logger
  /** The number of the job, as soon as it is known. */
  jobId: number | undefined
  /** Undefined when the queue could not be asked. */
  lastResort: Promise<LastResort | undefined>
}

class Worker {
  private readonly parts: WorkerParts
  private readonly times: Times
  private readonly queueUrl: string
  private readonly apiOf: ReturnType<typeof jobApi>
  private readonly told = new AbortController()
  private readonly finishing = new AbortController()
  private readonly permission: Permission
  private readonly ytDlp: YtDlpReady
  private readonly measures: Measures
  private readonly warned = new Set<string>()
  private isBusy = false
  private readonly queueSpell: Spell
  private queueTrouble: Error | undefined
  private queueFailures = 0
  /** Why nothing can be heard. */
  private deaf: string | undefined = 'what hears is not there yet'
  /** How often in a row something was not as it must be. */
  private rests = 0

  constructor(parts: WorkerParts) {
    const { settings, log, metrics } = parts
    this.parts = parts
    this.times = { ...usualTimes, ...parts.times }
    this.queueUrl = queueUrlOf(settings)
    this.apiOf = jobApi(apiUrl(settings), adminToken(settings), ({ message }) => log.warn(`asking the API again: ${message}`))
    this.queueSpell = openSpell(log, { queue: this.queueUrl })
    const { signal } = this.told
    const { VIDWIZ_DATA: data } = settings
    this.permission = youtubePermission({ data, who: `gpu-worker-${randomUUID()}`, trialMs: TRIAL_MS, signal })
    this.ytDlp = ytDlpReady({ settings, log, signal, without: 'no videos are heard' })
    this.measures = openMeasures(metrics, () => this.isBusy)
  }

  /** @throws when something is missing, or the queue could not be read last time */
  check(): void {
    const missing = this.ytDlp.missing() ?? this.deaf
    if (missing) throw new Trouble(missing)
    if (this.queueTrouble) throw this.queueTrouble
  }

  stop(): void {
    this.told.abort(toldToStop())
    setTimeout(() => this.finishing.abort(toldToStop()), FINISH_MS).unref()
  }

  async run(): Promise<void> {
    const { settings, log } = this.parts
    const left = sweepWorkFolders(settings.VIDWIZ_DATA)
    if (left > 0) log.info({ folders: left }, 'removed what killed workers left behind')
    log.info({ queue: this.queueUrl, api: apiUrl(settings) }, 'waits for videos')
    const { signal } = this.told
    while (!signal.aborted) {
      try {
        const ytDlp = await this.ytDlp.ready()
        await this.listens()
        await this.permission.permitted((reason, until) =>
          log.warn({ reason, until: new Date(until) }, 'YouTube refuses: waiting (`npx vidwiz helpers resume` ends it)'),
        )
        const received = await this.receive()
        if (received) await this.handle(received, ytDlp)
      } catch (error) {
        if (signal.aborted) break
        log.error({ error }, 'unexpected')
        await this.rest()
      }
    }
    await this.permission.end().catch(() => {})
  }

  /** Waits until something is there that hears. On what, is said once; and so is what is missing. */
  private async listens(): Promise<void> {
    const { log, transcriber } = this.parts
    const { signal } = this.told
    for (let failures = 1; ; failures++) {
      try {
        const device = await unlessAborted(transcriber.device(), signal)
        if (this.deaf !== undefined) log.info({ device }, `hears on ${device}`)
        this.deaf = undefined
        return
      } catch (error) {
        signal.throwIfAborted()
        const { message } = error as Error
        if (this.deaf !== message) log.warn(`no videos are heard: ${message}`)
        this.deaf = message
        await this.pause(this.times.restMs(failures))
      }
    }
  }

  /** Undefined when none came, or nobody may ask YouTube any more. */
  private async receive(): Promise<Received | undefined> {
    const permission = this.permission.whilePermitted()
    try {
      const [received] = await this.parts.queues.receive(this.queueUrl, {
        max: 1,
        waitSeconds: WAIT_SECONDS,
        visibilitySeconds: Math.min(FIRST_SECONDS, this.parts.settings.MEDIA_VISIBILITY_SECONDS),
        signal: permission.signal,
      })
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
    const { queues, settings, log: ours } = this.parts
    const { messageId, receiveCount: receives } = received
    const read = readMessage(received.body)
    if ('cause' in read) {
      const log = ours.child({ messageId, receives })
      await this.bury(received, read.cause, log)
      return this.measures.ended('poison')
    }
    const log = ours.child({ messageId, receives, video: read.video, ...(read.jobId && { jobId: read.jobId }) })
    // Now, for at the end of a stop there is no time to ask.
    const lastResort = lastResortOf(queues, this.queueUrl)
    const inHand: InHand = { received, message: read, api: this.apiOf(read), log, jobId: read.jobId, lastResort }
    const gone = new AbortController()
    const lease = openLease({
      queues,
      queueUrl: this.queueUrl,
      message: received,
      seconds: settings.MEDIA_VISIBILITY_SECONDS,
      log,
      onLost: () => gone.abort(new Ended({ kind: 'lost' })),
    })
    this.isBusy = true
    try {
      const ending = await this.work(inHand, ytDlp, gone)
      await this.settle(inHand, ending, lease)
    } finally {
      await lease.end()
      this.isBusy = false
    }
  }

  /** @returns how it ended; never rejects */
  private async work(inHand: InHand, ytDlp: YtDlp, gone: AbortController): Promise<Ending> {
    const { settings, transcriber, tutor, sound } = this.parts
    const { message, api, log } = inHand
    const { patienceMs } = this.times
    const signal = AbortSignal.any([this.told.signal, gone.signal])
    try {
      const job = await api.report({ status: 'processing' }, message.jobId, { signal, patienceMs })
      inHand.jobId = job.job_id
      if (!job.wanted) {
        if (job.status === 'completed') await this.tidy(job, log)
        return { kind: 'unwanted', cause: `the job is over: it is ${job.status}` }
      }
      const folder = takeWorkFolder(settings.VIDWIZ_DATA)
      const progress = openProgress({
        log,
        everyMs: this.times.progressMs,
        tell: (step, percent) => this.tellProgress(inHand, { status: 'processing', step, percent }, gone),
        onStep: this.measures.step,
      })
      try {
        const missing = await doJob(job, {
          api,
          settings,
          ytDlp,
          folder: folder.path,
          signal,
          finishing: this.finishing.signal,
          patienceMs,
          stored: this.storedFor(signal, patienceMs, log),
          transcriber,
          tutor,
          sound,
          progress,
          onHeard: this.measures.heard,
          onVerdict: (verdict) => this.answered(verdict),
          onWarning: (verdict) => this.warn(verdict),
        })
        await this.tidy(job, log)
        return { kind: 'completed', missing }
      } finally {
        progress.end()
        folder.remove()
      }
    } catch (error) {
      // Whatever was cut short by it ends in ways of its own.
      const ending = endingOf(signal.aborted ? signal.reason : error)
      if (ending.kind === 'returned' && !(error instanceof Ended)) log.warn({ error }, 'a step failed')
      return ending
    }
  }

  private storedFor(signal: AbortSignal, patienceMs: number, log: Logger) {
    return openStored({
      objects: this.parts.objects,
      signal,
      patienceMs,
      onTrouble: ({ message }) => log.warn(`asking the store again: ${message}`),
      onBroken: (key) => log.warn({ key }, 'an object is not whole, or not ours: it is made anew'),
    })
  }

  /** Removes our copies, which nobody needs any more. What cannot be removed is a few kilobytes. */
  private async tidy({ video_id }: Job, log: Logger): Promise<void> {
    try {
      const stored = this.storedFor(this.finishing.signal, 0, log)
      for (const key of [heardKey(video_id), studyKey(video_id)]) await stored.remove(key)
    } catch (error) {
      log.warn({ error }, 'could not remove the copies of what was made')
    }
  }

  /** What gets lost of it is nothing; but the answer may be that nobody wants the job any more. */
  private async tellProgress({ api, jobId }: InHand, report: Report, gone: AbortController): Promise<void> {
    try {
      const { wanted } = await api.report(report, jobId, { signal: AbortSignal.any([this.told.signal, gone.signal]) })
      if (!wanted) gone.abort(new Ended({ kind: 'unwanted', cause: 'the job is over' }))
    } catch (error) {
      if (error instanceof Ended && error.ending.kind === 'unwanted') gone.abort(error)
    }
  }

  /** What YouTube says of a video it says to those whom it answers. */
  private async answered(verdict: Verdict | undefined): Promise<void> {
    if (verdict?.meaning === 'stop') {
      await openBreaker(this.parts.settings.VIDWIZ_DATA, verdict.reason)
      await this.permission.end()
    } else if (!verdict || verdict.meaning === 'never') await this.permission.answered()
    if (verdict?.meaning === 'set-up') this.warn(verdict)
  }

  /** Our own fault, so every job suffers from it: said once, with what to do. */
  private warn({ reason, remedy }: Verdict): void {
    if (!remedy || this.warned.has(remedy)) return
    this.warned.add(remedy)
    this.parts.log.warn(remedy === reason ? remedy : `${remedy} (${reason})`)
  }

  /** Tells the API how it ended, then the queue. */
  private async settle(inHand: InHand, ending: Ending, lease: Lease): Promise<void> {
    const { received, log } = inHand
    switch (ending.kind) {
      case 'completed':
        log.info(ending, 'completed')
        await lease.end()
        await this.delete(received, log)
        break
      case 'unwanted':
        log.info(ending, `nothing to do: ${ending.cause}`)
        await lease.end()
        await this.delete(received, log)
        break
      case 'failed': {
        const { cause, permanent } = ending
        log.warn(ending, `failed: ${cause}`)
        const told = await this.tell(inHand, { status: 'failed', error_message: cause, ...(permanent && { permanent }) })
        await lease.end()
        if (told) await this.delete(received, log)
        else await this.again(received, this.times.againSeconds(received.receiveCount), log)
        break
      }
      case 'stray':
        await lease.end()
        await this.bury(received, ending.cause, log)
        break
      case 'lost':
        log.warn('another worker has the message: stopped')
        break
      case 'returned':
        return this.giveBack(inHand, ending, lease)
    }
    this.rests = 0
    this.measures.ended(ending.kind)
  }

  private async giveBack(inHand: InHand, ending: Ending & { kind: 'returned' }, lease: Lease): Promise<void> {
    const { queues } = this.parts
    const { received, log } = inHand
    const { cause, blame, rests } = ending
    const { receiveCount: receives } = received
    const isStopping = this.told.signal.aborted
    const lastResort = await inHand.lastResort
    const isLast = lastResort !== undefined && receives >= lastResort.maxReceives
    if (isLast && blame === 'job') {
      const error_message = `${cause} (tried ${receives} times)`
      await this.tell(inHand, { status: 'failed', error_message })
      await lease.end()
      if (await buried(queues, received, error_message, lastResort, log)) await this.delete(received, log)
      return this.measures.ended('given-up')
    }
    const seconds = isStopping ? 1 : this.times.againSeconds(receives)
    log.warn({ cause, seconds }, `given back: ${cause}`)
    await this.tell(inHand, { status: 'queued', error_message: cause })
    await lease.end()
    // What was away is not for the job to suffer from: a copy begins to count anew.
    if (isLast && (await this.renewed(received, seconds, log))) await this.delete(received, log)
    else await this.again(received, seconds, log)
    this.measures.ended('returned')
    if (rests === 'set-up' || rests === 'away') await this.rest(cause)
  }

  private async renewed({ body, messageId }: Received, delaySeconds: number, log: Logger): Promise<boolean> {
    const outgoing = { id: messageId, body, delaySeconds: Math.min(MOST_AGAIN_S, Math.round(delaySeconds)) }
    const [sent] = await this.parts.queues.sendBatch(this.queueUrl, [outgoing])
    if (sent!.refusal) log.warn({ refusal: sent!.refusal }, 'could not send the message anew')
    return !sent!.refusal
  }

  /** @returns whether the API knows */
  private async tell({ api, jobId, log }: InHand, report: Report): Promise<boolean> {
    const isStopping = this.told.signal.aborted
    const signal = isStopping ? AbortSignal.timeout(TAKE_BACK_MS) : this.finishing.signal
    // That a message comes again the API need not know.
    const patienceMs = isStopping || report.status === 'queued' ? 0 : this.times.patienceMs
    try {
      await api.report(report, jobId, { signal, patienceMs })
      return true
    } catch (error) {
      log.warn({ error }, 'could not tell the API how it ended')
      // It knows no such job, or does not want to hear of it: telling it once more changes nothing.
      return error instanceof Ended && error.ending.kind !== 'returned'
    }
  }

  private async bury(received: Received, cause: string, log: Logger): Promise<void> {
    const { queues } = this.parts
    const lastResort = await lastResortOf(queues, this.queueUrl)
    if (await buried(queues, received, cause, lastResort, log)) await this.delete(received, log)
    else await this.again(received, this.times.againSeconds(received.receiveCount), log)
  }

  private async delete({ receipt }: Received, log: Logger): Promise<void> {
    for (let failures = 1; ; failures++) {
      const refusal = (await this.parts.queues.delete(this.queueUrl, [receipt])).get(receipt)
      if (!refusal) return
      // When it comes again, the API says that it is over.
      if (refusal.isOurFault || failures === 3 || this.told.signal.aborted) {
        return void log.warn({ refusal }, 'could not delete the message: it will come again, and there is nothing to do then')
      }
      await this.pause(this.times.restMs(failures))
    }
  }

  /** There for others after so long. */
  private async again({ receipt }: Received, seconds: number, log: Logger): Promise<void> {
    const asked = this.parts.queues.extend(this.queueUrl, [receipt], Math.max(1, Math.round(seconds)))
    const isStopping = this.told.signal.aborted
    const refused = await (isStopping ? Promise.race([asked, sleep(TAKE_BACK_MS)]) : asked)
    const refusal = refused?.get(receipt)
    if (refusal) log.warn({ refusal }, 'could not say when the message comes again')
  }

  /** Before another message is taken. @param cause said once */
  private async rest(cause?: string): Promise<void> {
    this.rests++
    const ms = this.times.restMs(this.rests)
    if (cause !== undefined && this.rests === 1) this.parts.log.warn({ seconds: Math.round(ms / 1000) }, `pauses: ${cause}`)
    await this.pause(ms)
  }

  private pause = (ms: number) => sleep(ms, undefined, { signal: this.told.signal }).catch(() => {})
}
