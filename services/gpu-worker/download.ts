import { readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { z } from 'zod'
import type { Settings } from '#platform/config/settings.ts'
import type { YtDlp } from '#platform/ytdlp/install.ts'
import { CutShort } from '#platform/ytdlp/run.ts'
import type { Verdict } from '#platform/ytdlp/verdict.ts'
import { NotHad, type VideoTools, withVideo } from '#platform/ytdlp/video.ts'
import { diskFull, Ended, endingOfVerdict, failedForGood, returned } from './ending.ts'
import { bytesIn, freeBytes } from './work-folder.ts'

/** Format for yt-dlp: audio only if there is any, else a whole video with audio. */
const BEST_SOUND = ['-f', 'bestaudio/best']
/** Connections break during hours of audio: yt-dlp retries and continues where it was. */
const PERSISTENCE = ['--retries', '10', '--fragment-retries', '10', '--continue', '--no-mtime', '--fixup', 'never']
const NOT_YET = ['is_live', 'is_upcoming', 'post_live']

const MB = 1024 * 1024
/** Left free on the disk for other programs. */
const MARGIN_BYTES = 64 * MB
/** Assumed size of a site's audio if unknown: 160 kbit/s. */
const USUAL_BYTES_PER_SECOND = 20_000
/** Size of the mp3 that is made from it: 192 kbit/s. */
const MP3_BYTES_PER_SECOND = 24_000

const MOST_MS = 3 * 3600_000
const LOOK_MS = 500

const size = z.number().positive().nullish().catch(null)
const Info = z.looseObject({
  duration: z.number().nonnegative().nullish().catch(null),
  live_status: z.string().nullish().catch(null),
  is_live: z.boolean().nullish().catch(null),
  filesize: size,
  filesize_approx: size,
})
type Info = z.output<typeof Info>

export interface DownloadOptions {
  settings: Settings
  ytDlp: YtDlp
  /** Where the audio file is put. */
  folder: string
  signal: AbortSignal
  onProgress(done: number): void
  /** Called with YouTube's answer, about this video or in general; undefined when the download succeeded. */
  onVerdict(verdict: Verdict | undefined): Promise<void>
  onWarning(verdict: Verdict): void
}

/** An audio file, and its length if the site tells it. */
export interface Downloaded {
  source: string
  seconds: number | undefined
}

/**
 * Downloads the audio of a video in the site's format.
 * @throws Ended when the audio is unavailable, too long or too large, or the disk is full; the reason of `signal` when aborted
 */
export async function downloadSound(videoId: string, options: DownloadOptions): Promise<Downloaded> {
  const { settings, ytDlp, folder, signal, onVerdict, onWarning } = options
  const tooMuch = new AbortController()
  try {
    const downloaded = await withVideo(
      videoId,
      {
        ytDlp,
        ways: { cookies: settings.YTDLP_COOKIES, proxy: settings.YTDLP_PROXY, extractorArgs: settings.YTDLP_EXTRACTOR_ARGS },
        watchUrl: settings.YOUTUBE_WATCH_URL,
        data: settings.VIDWIZ_DATA,
        work: folder,
        timeoutMs: MOST_MS,
        signal: AbortSignal.any([signal, tooMuch.signal]),
        onWarning,
      },
      (video) => soundOf(video, options, tooMuch),
    )
    await onVerdict(undefined)
    return downloaded
  } catch (error) {
    signal.throwIfAborted()
    tooMuch.signal.throwIfAborted()
    if (error instanceof CutShort) throw returned(`${error.message}, after ${MOST_MS / 3600_000} hours at most`)
    if (!(error instanceof NotHad)) throw error
    await onVerdict(error.verdict)
    throw new Ended(endingOfVerdict(error.verdict), { cause: error })
  }
}

async function soundOf(video: VideoTools, options: DownloadOptions, tooMuch: AbortController): Promise<Downloaded> {
  const { settings, folder } = options
  const { info } = await video.info(BEST_SOUND)
  const about = Info.parse(info)
  refuseLive(about)
  const seconds = about.duration ?? undefined
  if (seconds && seconds > settings.MAX_AUDIO_MINUTES * 60) throw tooLong(seconds, settings.MAX_AUDIO_MINUTES)
  const mostBytes = settings.MEDIA_DISK_MB * MB
  const expected = about.filesize ?? about.filesize_approx ?? undefined
  await roomFor(folder, about, expected, mostBytes)

  const told = join(video.folder, 'video.info.json')
  writeFileSync(told, JSON.stringify(info), { mode: 0o600 })
  const watcher = watch(video.folder, {
    mostBytes,
    expected,
    onProgress: options.onProgress,
    onTooMuch: (why) => tooMuch.abort(why),
  })
  try {
    const flags = ['--load-info-json', told, ...BEST_SOUND, ...PERSISTENCE]
    await video.run([...flags, '--max-filesize', String(mostBytes), '-o', 'sound.%(ext)s'])
  } finally {
    watcher.end()
  }
  const name = readdirSync(video.folder).find((name) => /^sound\.(?!.*part$)/.test(name))
  // With --max-filesize, yt-dlp exits with 0 and leaves no file when the file would be larger.
  if (name === undefined) throw tooLarge(mostBytes)
  const downloaded = join(video.folder, name)
  // A fast download can finish before `watch` looks.
  if (statSync(downloaded).size > mostBytes) throw tooLarge(mostBytes)
  const file = join(folder, `source${extname(name)}`)
  renameSync(downloaded, file)
  return { source: file, seconds }
}

function refuseLive({ live_status, is_live }: Info) {
  if (is_live || NOT_YET.includes(live_status ?? '')) throw returned('the broadcast has not ended: it cannot be heard yet')
}

/**
 * @param seconds undefined if unknown
 */
export const tooLong = (seconds: number | undefined, mostMinutes: number) => {
  const lasts = seconds === undefined ? 'lasts too long' : `lasts ${Math.ceil(seconds / 60)} minutes, which is too long`
  return failedForGood(`the video ${lasts}: at most ${mostMinutes} minutes are heard (MAX_AUDIO_MINUTES)`)
}

const tooLarge = (mostBytes: number) =>
  failedForGood(`the sound of the video is larger than ${Math.floor(mostBytes / MB)} MB (MEDIA_DISK_MB)`)

async function roomFor(folder: string, { duration }: Info, expected: number | undefined, mostBytes: number) {
  const source = expected ?? (duration ?? 0) * USUAL_BYTES_PER_SECOND
  if (source > mostBytes) throw tooLarge(mostBytes)
  const needed = source + (duration ?? 0) * MP3_BYTES_PER_SECOND + MARGIN_BYTES
  const free = await freeBytes(folder)
  if (free < needed) throw diskFull(`${Math.ceil(needed / MB)} MB are needed, ${Math.floor(free / MB)} MB are free`)
}

/** Watches the growing file, because the site may not tell its size. */
function watch(
  folder: string,
  {
    mostBytes,
    expected,
    onProgress,
    onTooMuch,
  }: { mostBytes: number; expected: number | undefined; onProgress(done: number): void; onTooMuch(why: Ended): void },
) {
  const look = async () => {
    const bytes = await bytesIn(folder)
    if (bytes > mostBytes) return onTooMuch(tooLarge(mostBytes))
    const free = await freeBytes(folder)
    if (free < MARGIN_BYTES) return onTooMuch(diskFull(`${Math.floor(free / MB)} MB are free while it is filled`))
    if (expected) onProgress(bytes / expected)
  }
  // The folder may be removed meanwhile: ignore that.
  const looking = setInterval(() => void look().catch(() => {}), LOOK_MS)
  return { end: () => clearInterval(looking) }
}
