import { readFileSync, writeFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { noCaptions, saysNothing } from '#platform/youtube/hopeless.ts'
import { isKeptFromUs } from '#platform/ytdlp/verdict.ts'
import { NotHad, type VideoTools } from '#platform/ytdlp/video.ts'
import type { Found } from '../kit/helper.ts'
import { readJson3 } from './json3.ts'
import { mergeRolling } from './rolling.ts'
import { type Cue, rowsOf } from './row.ts'
import { chooseTrack, FORMATS, type Track, VideoInfo } from './track.ts'
import { readVtt } from './vtt.ts'

/** Without these flags yt-dlp hides some of its warnings about captions. */
const WANTED = ['--write-subs', '--write-auto-subs']
const NOT_YET = ['is_live', 'is_upcoming', 'post_live']

/** Bounds memory: automatic captions of a whole day, with a time for every word, are a quarter of it. */
const MOST_BYTES = 64 * 1024 * 1024

/**
 * Fetches the transcript of a video: reads its page once, chooses among its captions, and fetches that one file.
 * @param isInDoubt whether YouTube refused this machine lately
 */
export async function fetchTranscript(video: VideoTools, isInDoubt: boolean): Promise<Found> {
  const { info, warnings } = await video.info(WANTED)
  const read = VideoInfo.safeParse(info)
  if (!read.success) throw new NotHad({ meaning: 'later', reason: 'yt-dlp lists captions in an unknown form' })
  if (NOT_YET.includes(read.data.live_status ?? ''))
    throw new NotHad({ meaning: 'later', reason: 'the broadcast has not ended: there are no captions yet' })
  const track = chooseTrack(read.data)
  if (!track) throw withoutTrack(warnings, isInDoubt)
  const rows = rowsOf(await captions(video, info, track))
  // The API stores the transcript permanently, so do not send an empty one.
  if (rows.length === 0) throw new NotHad({ meaning: 'never', reason: saysNothing(track.key) })
  const { language, isAutomatic, isOriginal } = track
  return { result: { transcript: rows }, told: { rows: rows.length, language, isAutomatic, isOriginal } }
}

/** Permanent, unless captions may exist that YouTube withholds from this address. */
function withoutTrack(warnings: string, isInDoubt: boolean): NotHad {
  if (isKeptFromUs(warnings))
    return new NotHad({ meaning: 'later', reason: 'there are captions, but YouTube keeps them from this address' })
  if (isInDoubt)
    return new NotHad({ meaning: 'later', reason: 'there seem to be no captions, but YouTube refused this address lately' })
  return new NotHad({ meaning: 'never', reason: noCaptions })
}

/** Uses the information already read, so the page is not fetched again. */
async function captions(video: VideoTools, info: unknown, { key, isAutomatic }: Track): Promise<Cue[]> {
  const told = join(video.folder, 'video.info.json')
  writeFileSync(told, JSON.stringify(info), { mode: 0o600 })
  await video.run([
    '--load-info-json',
    told,
    '--skip-download',
    '--ignore-no-formats-error',
    isAutomatic ? '--write-auto-subs' : '--write-subs',
    '--sub-langs',
    `^${key.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`,
    '--sub-format',
    FORMATS.join('/'),
    '-o',
    'captions.%(ext)s',
  ])
  const files = (await readdir(video.folder)).filter((name) => name.startsWith('captions.'))
  for (const format of FORMATS) {
    const file = files.find((name) => name.endsWith(`.${format}`))
    if (!file) continue
    const path = join(video.folder, file)
    if ((await stat(path)).size > MOST_BYTES)
      throw new NotHad({ meaning: 'never', reason: `the captions (${key}) are too large` })
    const cues = read(format, readFileSync(path, 'utf8'))
    const inOrder = cues.toSorted((a, b) => a.startMs - b.startMs)
    return isAutomatic ? mergeRolling(inOrder) : inOrder
  }
  throw new NotHad({ meaning: 'later', reason: `the captions (${key}) did not come` })
}

function read(format: (typeof FORMATS)[number], text: string): Cue[] {
  try {
    return format === 'json3' ? readJson3(text) : readVtt(text)
  } catch {
    // An empty file or some other page: try again later.
    throw new NotHad({ meaning: 'later', reason: `the captions are not in the format ${format}` })
  }
}
