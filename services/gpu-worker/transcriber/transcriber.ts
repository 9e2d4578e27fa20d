import { basename, join, resolve } from 'node:path'
import { unlessAborted } from '#platform/deadline.ts'
import { OperatorError } from '#platform/operator-error.ts'
import { pythonEnvironment } from '#platform/python/environment.ts'
import { turns } from '#platform/turns.ts'
import type { Listener } from '#platform/whisper/install.ts'
import { type Heard, HearingError, type HearOptions, type Transcriber } from '../ports.ts'
import { Child } from './child.ts'
import type { Ready } from './protocol.ts'
import { rowsOf } from './rows.ts'

export interface TranscriberOptions {
  /** The installed faster-whisper; called for each new child process. Its OperatorError becomes a HearingError `set-up`. */
  listener(): Promise<Listener>
  /** Folder for downloaded models. */
  models: string
  /** A name known to faster-whisper, a Hugging Face repository, or a folder. */
  model: string
  device: 'auto' | 'cpu' | 'cuda'
  /** Default: int8 on a CPU, float16 on CUDA. */
  computeType?: string | undefined
  /** CPU threads; default: the number of cores. */
  threads?: number | undefined
  /** Called with messages for people about slow preparations. */
  onNotice?(text: string): void
  env?: NodeJS.ProcessEnv
  /** For tests: the child's script, and its time limits. */
  script?: string
  silenceMs?: number
  stepMs?: number
}

const SCRIPT = join(import.meta.dirname, '../python/transcriber.py')
/** The child beats every two seconds; loading a library from a cold disk may delay it. */
const SILENCE_MS = 60_000
/** A step is half a minute of audio; a large model on an old CPU takes minutes for it, tried at six temperatures. */
const STEP_MS = 15 * 60_000
/** Environment variables passed on to Python, CUDA and Hugging Face libraries. */
const PASSED_ON = /^(HF_\w+|CUDA_\w+|NVIDIA_\w+|OMP_\w+|CT2_\w+|LD_LIBRARY_PATH)$/

/** Undetermined: nobody speaks. */
const NO_LANGUAGE = 'und'

/** Runs faster-whisper in a child process, which starts when first needed and again after it has died. */
export function openTranscriber(options: TranscriberOptions): Transcriber & {
  /** Process id of the current child, for metrics; undefined when there is none. */
  readonly pid: number | undefined
} {
  const { silenceMs = SILENCE_MS, stepMs = STEP_MS } = options
  const model = /[\\/]/.test(options.model) ? basename(options.model) : options.model
  const inTurn = turns(1)
  let child: Child | undefined
  let beginning: Promise<Child> | undefined
  let isClosed = false

  /** All callers share one starting child, even if the first caller is aborted. */
  function living(): Promise<Child> {
    if (beginning) return beginning
    if (child?.isAlive) return Promise.resolve(child)
    beginning = begun().finally(() => {
      beginning = undefined
    })
    return beginning
  }

  async function begun(): Promise<Child> {
    const listener = await options.listener().catch((error) => {
      throw error instanceof OperatorError ? new HearingError('set-up', error.message, { cause: error }) : error
    })
    if (isClosed) throw closed()
    child = new Child({
      program: listener.path,
      args: [options.script ?? SCRIPT],
      env: environmentOf(options, listener),
      silenceMs,
      stepMs,
      onDownload: (model, megabytes) => options.onNotice?.(`downloading the model ${model}: ${megabytes} MB`),
    })
    const { note } = await child.ready()
    if (note) options.onNotice?.(note)
    return child
  }

  async function hear(file: string, { signal, onProgress }: HearOptions): Promise<Heard> {
    signal.throwIfAborted()
    if (isClosed) throw closed()
    const stop = () => void child?.kill(signal.reason)
    signal.addEventListener('abort', stop)
    try {
      const { segments, language, seconds } = await (await unlessAborted(signal, living())).hear(resolve(file), onProgress)
      return { language: language ?? NO_LANGUAGE, model, seconds, rows: rowsOf(segments, seconds) }
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  return {
    get pid() {
      return child?.isAlive ? child.pid : undefined
    },
    device: async () => inWords(await (await living()).ready()),
    hear: (file, hearing) =>
      unlessAborted(
        hearing.signal,
        inTurn(() => hear(file, hearing)),
      ),
    async close() {
      isClosed = true
      await child?.kill(closed())
    },
  }
}

const closed = () => new HearingError('died', 'hearing was ended')

const inWords = ({ device, compute_type, note }: Ready) => `${device}, ${compute_type}${note ? ` (${note})` : ''}`

function environmentOf(
  { model, device, computeType, threads, models, env = process.env }: TranscriberOptions,
  { libraries }: Listener,
): NodeJS.ProcessEnv {
  const passedOn = Object.fromEntries(Object.entries(env).filter(([name]) => PASSED_ON.test(name)))
  const search = [...libraries, ...(env.LD_LIBRARY_PATH ? [env.LD_LIBRARY_PATH] : [])].join(':')
  return {
    ...pythonEnvironment(env),
    HF_HOME: models,
    HF_HUB_DISABLE_TELEMETRY: '1',
    ...passedOn,
    ...(search && { LD_LIBRARY_PATH: search }),
    WHISPER_MODEL: model,
    WHISPER_DEVICE: device,
    ...(computeType && { WHISPER_COMPUTE_TYPE: computeType }),
    ...(threads && { WHISPER_THREADS: String(threads) }),
  }
}
