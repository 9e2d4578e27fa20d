import { type ChildProcess, spawn } from 'node:child_process'
import { isAbsolute } from 'node:path'
import { killGroup } from '#platform/program.ts'
import { HearingError, type Row } from '../ports.ts'
import { command, type Failure, LONGEST_LINE, type Message, messageOf, type Ready } from './protocol.ts'

export interface ChildOptions {
  /** What runs it, with its arguments. */
  program: string
  args: readonly string[]
  env: NodeJS.ProcessEnv
  /** It shows more often than this that it lives. */
  silenceMs: number
  /** No step of its work takes longer. */
  stepMs: number
  /** Told how much of a model has been downloaded. */
  onDownload?(model: string, megabytes: number): void
}

/** What came of a file: segments in the order in which they were heard. */
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
 * The process that hears, in a group of its own. It serves one file at a time for as long as it lives; once it has died, does not
 * answer or talks nonsense, whoever waits for it is told, and it is not to be asked any more.
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
    // Nobody may be waiting when it fails.
    this.readiness.promise.catch(() => {})
    const { stdin, stdout, stderr } = this.process
    // It ends by itself, and that is told by its exit.
    stdin!.on('error', () => {})
    stdout!.setEncoding('utf8').on('data', (text: string) => this.take(text))
    stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-STDERR_BYTES)
    })
    this.process.on('error', ({ message }) => {
      this.fail(new HearingError('set-up', `what hears could not be started: ${message}`))
      this.closing.resolve()
    })
    this.process.on('close', (code, signal) => {
      if (signal) this.die(`was killed (${signal})`, ', perhaps for want of memory')
      else this.die(`ended by itself (${code})`, this.lastWords())
      this.closing.resolve()
    })
  }

  /** Whether it may be asked. */
  get isAlive(): boolean {
    return this.end === undefined
  }

  /** Its process id; undefined when it could not be started. */
  get pid(): number | undefined {
    return this.process.pid
  }

  /** What it hears with, once its model is loaded. @throws HearingError */
  ready(): Promise<Ready> {
    return this.readiness.promise
  }

  /**
   * Has it hear a file. One at a time.
   * @param file an absolute path
   * @throws HearingError; what it was killed with
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

  /** Kills it at once, with whatever it has started. @param why what its job is told */
  async kill(why: unknown): Promise<void> {
    this.fail(why)
    await this.closing.promise
  }

  private take(text: string) {
    if (!this.isAlive) return
    this.silence.refresh()
    const lines = (this.line + text).split('\n')
    this.line = lines.pop()!
    if (this.line.length > LONGEST_LINE) return this.die('talked nonsense: a line without an end')
    for (const line of lines) {
      const message = messageOf(line)
      if (!message) return this.die(`talked nonsense: ${line.slice(0, 100)}`)
      this.handle(message)
    }
  }

  private handle(message: Message) {
    const isWaiting = this.isReady && !this.job
    // One that has nothing to do is not stuck.
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
    // What it has done wrong once it may do again, and memory that was short stays so.
    if (kind === 'memory') return this.die(`ran out of memory: ${message}`)
    if (kind === 'failed') return this.die(`failed: ${message}`)
    const error = new HearingError(kind, message)
    if (id === null) this.fail(error)
    else if (id === this.job?.id) this.job.reject(error)
  }

  private stuck() {
    if (this.isReady && !this.job) return
    this.die(`did not get on for ${this.options.stepMs / 1000} seconds`)
  }

  private die(how: string, why = '') {
    this.fail(new HearingError('died', `what hears ${how} ${this.isReady ? HEARING : LOADING}${why}`))
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
