import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { commonFlags, type YtDlpWays } from './flags.ts'
import { type YtDlp, ytDlpFolder } from './install.ts'
import { runYtDlp } from './run.ts'
import { setUpWarnings, type Verdict, verdictOf } from './verdict.ts'

/** yt-dlp could not get the requested data; the verdict says what to do. */
export class NotHad extends Error {
  override name = 'NotHad'
  readonly verdict: Verdict
  constructor(verdict: Verdict) {
    super(verdict.reason)
    this.verdict = verdict
  }
}

/** The tools of one task to access its video. */
export interface VideoTools {
  videoId: string
  /** The task's own folder, which is removed afterwards. */
  folder: string
  /** Everything yt-dlp reports about the video after one request for its page, and its warnings. */
  info(flags?: readonly string[]): Promise<{ info: Record<string, unknown>; warnings: string }>
  /** Runs yt-dlp once more, for data that `info` has reported. */
  run(flags: readonly string[]): Promise<void>
}

export interface VideoOptions {
  ytDlp: YtDlp
  ways: YtDlpWays
  /** The part of a video's URL before its id. */
  watchUrl: string
  data: string
  /** The folder in which the task's folder is created; the helpers' shared one if not given. */
  work?: string
  /** Bounds all runs together. */
  timeoutMs: number
  signal: AbortSignal
  onWarning(verdict: Verdict): void
}

/** Accepts any format, even just images: the video is not played here. */
const ANY_FORMAT = ['-f', 'b/bv*/ba/mhtml']

/**
 * Runs `work` with the tools to access a video.
 * @throws NotHad, CutShort
 */
export async function withVideo<T>(videoId: string, options: VideoOptions, work: (tools: VideoTools) => Promise<T>): Promise<T> {
  const { ytDlp, ways, watchUrl, data, signal } = options
  const folder = mkdtempSync(join(options.work ?? (await workFolder(data)), 'task-'))
  const until = performance.now() + options.timeoutMs
  async function ask(flags: readonly string[]) {
    const args = [...commonFlags(ways, folder), ...flags]
    const { ok, stdout, stderr } = await runYtDlp(ytDlp.path, args, { timeoutMs: until - performance.now(), signal, cwd: folder })
    for (const warning of setUpWarnings(stderr)) options.onWarning(warning)
    if (!ok) throw new NotHad(verdictOf(stderr))
    return { stdout, stderr }
  }
  try {
    return await work({
      videoId,
      folder,
      async info(flags = []) {
        const url = watchUrl + encodeURIComponent(videoId)
        const { stdout, stderr } = await ask(['--dump-single-json', '--skip-download', ...ANY_FORMAT, ...flags, '--', url])
        return { info: parsed(stdout), warnings: stderr }
      },
      run: async (flags) => void (await ask(flags)),
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function parsed(text: string): Record<string, unknown> {
  let info: unknown
  try {
    info = JSON.parse(text)
  } catch {
    info = undefined
  }
  if (typeof info !== 'object' || info === null)
    throw new NotHad({ meaning: 'later', reason: 'yt-dlp said nothing about the video' })
  if ('_type' in info && info._type !== 'video') throw new NotHad({ meaning: 'later', reason: 'the page is not of one video' })
  return info as Record<string, unknown>
}

const LEFT_BEHIND_MS = 3_600_000

/** The folder for task folders; removes old ones, which killed helpers left behind. */
async function workFolder(data: string): Promise<string> {
  const work = join(ytDlpFolder(data), 'work')
  await mkdir(work, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(work)) {
    const path = join(work, name)
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (age > LEFT_BEHIND_MS) rmSync(path, { recursive: true, force: true })
  }
  return work
}
