import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { commonFlags, type YtDlpWays } from './flags.ts'
import { type YtDlp, ytDlpFolder } from './install.ts'
import { runYtDlp } from './run.ts'
import { setUpWarnings, type Verdict, verdictOf } from './verdict.ts'

/** yt-dlp could not get what was asked for; the verdict says what that means. */
export class NotHad extends Error {
  override name = 'NotHad'
  readonly verdict: Verdict
  constructor(verdict: Verdict) {
    super(verdict.reason)
    this.verdict = verdict
  }
}

/** What one task has to get at its video. */
export interface VideoTools {
  videoId: string
  /** A folder of its own, which is removed afterwards. */
  folder: string
  /** All that yt-dlp tells of the video, in one visit to its page, and what it warned of. */
  info(flags?: readonly string[]): Promise<{ info: Record<string, unknown>; warnings: string }>
  /** Runs yt-dlp once more, for what the visit has told of. */
  run(flags: readonly string[]): Promise<void>
}

export interface VideoOptions {
  ytDlp: YtDlp
  ways: YtDlpWays
  /** What stands before the id in the address of a video. */
  watchUrl: string
  data: string
  /** Where the folder of the task is made; that of all helpers if not given. */
  work?: string
  /** For all of it. */
  timeoutMs: number
  signal: AbortSignal
  onWarning(verdict: Verdict): void
}

/** What is shown of a video that cannot be played counts as well: it is not to be played here. */
const ANY_FORMAT = ['-f', 'b/bv*/ba/mhtml']

/**
 * Lends the tools to get at a video, for as long as `work` takes.
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
    throw new NotHad({ meaning: 'later', reason: 'yt-dlp told nothing of the video' })
  if ('_type' in info && info._type !== 'video') throw new NotHad({ meaning: 'later', reason: 'the page is not of one video' })
  return info as Record<string, unknown>
}

const LEFT_BEHIND_MS = 3_600_000

/** Whose helper was killed cannot remove its own. */
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
