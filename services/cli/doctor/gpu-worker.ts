import { existsSync, readdirSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { dataFolder } from '#platform/config/data-folder.ts'
import type { Settings } from '#platform/config/settings.ts'
import { ffmpegVersion } from '#platform/ffmpeg.ts'
import { studyKeyWanted, studyProviderOf } from '#platform/llm/key.ts'
import { usableGpus } from '#platform/whisper/devices.ts'
import { type Listener, listenerFolder, needsCuda, PINNED_WHISPER, readyListener } from '#platform/whisper/install.ts'
import { type Check, type Finding, ok } from './check.ts'

const DEAF = 'no video without captions is transcribed; flashcards are still made of those that have some'
/** A worker takes no message until it is able to hear (transcribe) a video. */
const IDLE = 'no video without captions is transcribed, and no flashcards are made'
const SLOW = 'a video may take longer to hear than it lasts'
const NO_STUDY = 'no flashcards and no quizzes are made; videos without captions are still heard'
const LATER = 'when a gpu-worker starts'
/** Models that a CPU runs much more slowly than real time. */
const LARGE = /large|medium|turbo/

/** Checks everything that a media worker relies on. Installs and downloads nothing. */
export function gpuWorkerChecks(settings: Settings): Check[] {
  const listener = readyListener(settings.VIDWIZ_DATA, settings.WHISPER_DEVICE).catch(() => undefined)
  const check = (name: string, cost: string, look: Check['look'], isNeeded = true): Check => ({ name, isNeeded, cost, look })
  return [
    check('faster-whisper', IDLE, async () => whisper(await listener, settings)),
    check('ffmpeg', DEAF, async (signal) => ffmpeg(await listener, settings, signal)),
    check('device', IDLE, async (signal) => device(await listener, settings, signal)),
    check('Whisper model', IDLE, () => model(settings)),
    check('disk of gpu-worker', DEAF, async () => disk(await listener, settings)),
    check('study key', NO_STUDY, () => key(settings), false),
  ]
}

const whisper = (listener: Listener | undefined, { WHISPER_DEVICE: device }: Settings): Finding =>
  listener
    ? ok(`${listener.version}, ${listener.path}`)
    : ok(`not yet: ${PINNED_WHISPER}${needsCuda(device) ? ' with the libraries for NVIDIA' : ''} is installed ${LATER}`)

async function ffmpeg(listener: Listener | undefined, { FFMPEG_PATH }: Settings, signal: AbortSignal): Promise<Finding> {
  const path = FFMPEG_PATH ?? listener?.ffmpeg
  return ok(path ? `${await ffmpegVersion(path, signal)}, ${path}` : `not yet: comes with faster-whisper ${LATER}`)
}

async function device(listener: Listener | undefined, settings: Settings, signal: AbortSignal): Promise<Finding> {
  const { WHISPER_DEVICE: wanted, WHISPER_MODEL: name } = settings
  const slow: Finding = {
    state: 'warning',
    detail: `cpu, with ${name}`,
    cost: SLOW,
    remedy: 'set WHISPER_MODEL to small or base, or use a machine with a GPU of NVIDIA',
  }
  const onCpu = () => (LARGE.test(name) ? slow : ok('cpu'))
  if (wanted === 'cpu') return onCpu()
  const gpus = listener ? await usableGpus(listener, signal) : Number(needsCuda(wanted))
  if (gpus > 0) return ok(listener ? `cuda: GPUs that can be used: ${gpus}` : 'a driver of NVIDIA is there')
  if (wanted === 'auto') return onCpu()
  return {
    state: 'failed',
    detail: 'WHISPER_DEVICE is cuda, and there is no GPU that can be used',
    cost: IDLE,
    remedy: 'check the driver of NVIDIA, or set WHISPER_DEVICE=auto',
  }
}

function model({ WHISPER_MODEL: name, VIDWIZ_DATA: data }: Settings): Finding {
  if (!isFolder(name)) return ok(isDownloaded(name, data) ? `${name}, downloaded` : `not yet: ${name} is downloaded ${LATER}`)
  const missing = ['model.bin', 'config.json', 'tokenizer.json'].filter((file) => !existsSync(join(name, file)))
  if (missing.length === 0) return ok(name)
  const remedy = 'set WHISPER_MODEL to a folder with a model, or to a name as large-v3'
  return { state: 'failed', detail: `there is no ${missing.join(' and no ')} in ${name}`, cost: IDLE, remedy }
}

const isFolder = (name: string) => (existsSync(name) && statSync(name).isDirectory()) || name.startsWith('/')

/** Looks for the layout of Hugging Face's cache. */
function isDownloaded(name: string, data: string): boolean {
  const kept = join(listenerFolder(data), 'models', 'hub')
  const [last] = name.split('/').slice(-1)
  return existsSync(kept) && readdirSync(kept).some((folder) => folder.startsWith('models--') && folder.endsWith(last!))
}

/** Upper bounds of what is still to be downloaded. NVIDIA's libraries are most of the packages; large-v3 is 3.1 GB. */
const PACKAGES_MB = 1_000
const MODEL_MB = 3_200

async function disk(listener: Listener | undefined, settings: Settings): Promise<Finding> {
  const { bavail, bsize } = await statfs(dataFolder(settings.VIDWIZ_DATA))
  const { WHISPER_MODEL: name, VIDWIZ_DATA: data, MEDIA_DISK_MB } = settings
  const hasModel = isFolder(name) || isDownloaded(name, data)
  const neededMb = MEDIA_DISK_MB + (listener ? 0 : PACKAGES_MB) + (hasModel ? 0 : MODEL_MB)
  const detail = `${gb((bavail * bsize) / 1e6)} free, up to ${gb(neededMb)} are used`
  if (bavail * bsize >= neededMb * 1e6) return ok(detail)
  return { state: 'warning', detail, cost: DEAF, remedy: 'make room, set MEDIA_DISK_MB lower, or VIDWIZ_DATA to a larger disk' }
}

const gb = (mb: number) => `${(mb / 1000).toFixed(1)} GB`

function key(settings: Settings): Finding {
  const found = studyProviderOf(settings)
  if (found) return ok(`${found.keyName} is set, for ${found.provider}`)
  const wanted = studyKeyWanted(settings)
  return { state: 'missing', detail: `${wanted} is not set`, cost: NO_STUDY, remedy: `set ${wanted}` }
}
