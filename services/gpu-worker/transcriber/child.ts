import { type ChildProcess, spawn } from 'node:child_process'
import { isAbsolute } from 'node:path'
import { killGroup } from '#platform/program.ts'
import { HearingError, type Row } from '../ports.ts'
import { command, type Failure, LONGEST_LINE, type Message, messageOf, type Ready } from './protocol.ts'

export interface ChildOptions {
  /** Program to run, with its arguments. */
  program: string
  args: readonly string[]
  env: NodeJS.ProcessEnv
  /** The child must show a sign of life within this time. */
  silenceMs: number
  /** The child must finish a step of its work within this time. */
  stepMs: number
  /** Called with the progress of a model's download. */
  onDownload?(model: string, megabytes: number): void
}

/** Result for a file; segments in the order of the audio. */
export interface Heard {
  segments: Row[]
  /** Null when nobody speaks. */
  language: string | null
  seconds: number
}

interface Job extends PromiseWithResolvers<Heard> {
  id: number
  segments: Row[]
  ofSeconds: number
  onProgress?: ((heardSeconds: number, ofSeconds: number) => void) | undefined
}

const STDERR_BYTES = 4_096
const LOADING = 'while it was loading its model'
const HEARING = 'while it was hearing'

/**
 * The transcribing child process, in a process group of its own. It processes one file at a time. When it dies, hangs or violates
 * the protocol, its pending promises reject and it must not be used again.
 */
export class Child {
  private readonly options: ChildOptions
  private readonly process: ChildProcess
  private readonly readiness = Promise.withResolvers<Ready>()
  private readonly closing = Promise.withResolvers<void>()
  private readonly silence: NodeJS.Timeout
  private readonly step: NodeJS.Timeout
  private job: Job | undefined
  private jobs = 0
  private stderr = ''
  private line = ''
  private isReady = false
  private end: unknown

  constructor(options: ChildOptions) {
    this.options = options
    const { program, args, env, silenceMs, stepMs } = options
    this.process = spawn(program, args, { env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
    this.silence = setTimeout(() => this.die(`gave no sign of life for ${silenceMs / 1000} seconds`), silenceMs)
    this.step = setTimeout(() => this.stuck(), stepMs)
    // Avoids unhandledRejection while nobody waits for it.
    this.readiness.promise.catch(() => {})
    const { stdin, stdout, stderr } = this.process
    // The child's exit is reported instead.
    stdin!.on('error', () => {})
    stdout!.setEncoding('utf8').on('data', (text: string) => this.take(text))
    stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-STDERR_BYTES)
    })
    this.process.on('error', ({ message }) => {
      this.fail(new HearingError('set-up', `the transcriber could not be started: ${message}`))
      this.closing.resolve()
    })
    this.process.on('close', (code, signal) => {
      if (signal) this.die(`was killed (${signal})`, ', perhaps for want of memory')
      else this.die(`ended by itself (${code})`, this.lastWords())
      this.closing.resolve()
    })
  }

  /** Whether it may be used. */
  get isAlive(): boolean {
    return this.end === undefined
  }

  /** Its process id; undefined when it could not be started. */
  get pid(): number | undefined {
    return this.process.pid
  }

  /** The device, once the model is loaded. @throws HearingError */
  ready(): Promise<Ready> {
    return this.readiness.promise
  }

  /**
   * Transcribes a file, one at a time.
   * @param file an absolute path
   * @throws HearingError; the reason it was killed with
   */
  async hear(file: string, onProgress?: Job['onProgress']): Promise<Heard> {
    if (!isAbsolute(file)) throw new Error(`${file} is no absolute path`)
    await this.ready()
    if (this.end !== undefined) throw this.end
    const job: Job = { id: ++this.jobs, segments: [], ofSeconds: 0, onProgress, ...Promise.withResolvers<Heard>() }
    this.job = job
    this.step.refresh()
    this.process.stdin!.write(command(job.id, file))
    try {
      return await job.promise
    } finally {
      this.job = undefined
    }
  }

  /** Kills the child's process group at once. @param why the reason its job rejects with */
  async kill(why: unknown): Promise<void> {
    this.fail(why)
    await this.closing.promise
  }

  private take(text: string) {
    if (!this.isAlive) return
    this.silence.refresh()
    const lines = (this.line + text).split('\n')
    this.line = lines.pop()!
    if (this.line.length > LONGEST_LINE) return this.die('wrote a line without an end')
    for (const line of lines) {
      const message = messageOf(line)
      if (!message) return this.die(`wrote an unreadable line: ${line.slice(0, 100)}`)
      this.handle(message)
    }
  }

  private handle(message: Message) {
    const isWaiting = this.isReady && !this.job
    // An idle child is not stuck.
    if (isWaiting || !('beat' in message) || message.beat) this.step.refresh()
    if ('ready' in message) {
      this.isReady = true
      this.readiness.resolve(message.ready)
    } else if ('downloading' in message) this.options.onDownload?.(message.downloading.model, message.downloading.megabytes)
    else if ('error' in message) this.refuse(message.error)
    else this.get(message)
  }

  private get(message: Message) {
    const { job } = this
    if (!job) return
    if ('begin' in message && message.begin.id === job.id) job.ofSeconds = message.begin.seconds
    else if ('segment' in message && message.segment.id === job.id) {
      const { text, offset, duration } = message.segment
      job.segments.push({ text, offset, duration })
      this.tell(job, offset + duration)
    } else if ('heard' in message && message.heard.id === job.id) this.tell(job, message.heard.seconds)
    else if ('done' in message && message.done.id === job.id) {
      const { language, seconds } = message.done
      job.resolve({ segments: job.segments, language, seconds })
    }
  }

  private tell(job: Job, heardSeconds: number) {
    job.onProgress?.(heardSeconds, Math.max(job.ofSeconds, heardSeconds))
  }

  private refuse({ id, kind, message }: Failure) {
    // An unknown failure may repeat and memory stays short: replace the process.
    if (kind === 'memory') return this.die(`ran out of memory: ${message}`)
    if (kind === 'failed') return this.die(`failed: ${message}`)
    const error = new HearingError(kind, message)
    if (id === null) this.fail(error)
    else if (id === this.job?.id) this.job.reject(error)
  }

  private stuck() {
    if (this.isReady && !this.job) return
    this.die(`made no progress for ${this.options.stepMs / 1000} seconds`)
  }

  private die(how: string, why = '') {
    this.fail(new HearingError('died', `the transcriber ${how} ${this.isReady ? HEARING : LOADING}${why}`))
  }

  private fail(end: unknown) {
    if (this.end !== undefined) return
    this.end = end
    clearTimeout(this.silence)
    clearTimeout(this.step)
    killGroup(this.pid, 'SIGKILL')
    this.readiness.reject(end)
    this.job?.reject(end)
  }

  private lastWords() {
    const line = this.stderr.trim().split('\n').at(-1)
    return line ? `, saying “${line.slice(0, 300)}”` : ''
  }
}
