import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'

/** A line of captions: its text, start and duration, in seconds. */
export type Said = readonly [text: string, offset: number, duration: number]

/** Captions of one language. `automatic` ones roll as on YouTube: each line is shown again while the next one is spoken. */
export interface Captions {
  language: string
  format: 'json3' | 'vtt'
  said: readonly Said[]
  isAutomatic?: boolean
  /** Returned instead of the file. */
  status?: number
}

/** Why a video is unavailable. */
export type Failure =
  | 'bot-check'
  | 'rate-limited'
  | 'captcha'
  | 'private'
  | 'removed'
  | 'members-only'
  | 'age'
  | 'region'
  | 'drm'
  | 'upcoming'
  /** HTTP statuses of the page itself, and `hangs` for no answer. */
  | 403
  | 429
  | 500
  | 'hangs'

/** An audio file of the site. */
export interface PageSound {
  /** Its path; the extension tells the format. */
  file: string
  /** Size announced in the metadata; default: none. */
  bytes?: number
  /** Whether the transfer does not announce the size either. */
  isChunked?: boolean
  /** The transfer stalls after this many bytes, without an end. */
  stallsAfter?: number
}

export interface PageVideo {
  captions?: readonly Captions[]
  /** Fields by yt-dlp's names: `title`, `duration`, `view_count` … */
  metadata?: Record<string, unknown>
  failure?: Failure
  /** Its audio. */
  sound?: PageSound
  /** Warnings that yt-dlp prints, like those of YouTube's extractor. */
  warnings?: readonly string[]
}

/** Local videos that the real yt-dlp reads as if they were on YouTube. */
export interface YoutubePages {
  /** Environment for processes that run yt-dlp: the videos' address, and the plugin. */
  env: { YOUTUBE_WATCH_URL: string; XDG_CONFIG_HOME: string }
  /** Address of the same videos on ordinary pages, with a `<video>` and its `<track>`s. */
  plainUrl: string
  /** By id; missing ones count as removed. May be changed at any time. */
  videos: Record<string, PageVideo>
  /** Number of requests for a video's page, captions or audio. */
  hits(videoId: string, what?: 'page' | 'captions' | 'sound'): number
  /** Called before each request is answered. */
  onHit: ((videoId: string, what: string) => void) | undefined
  close(): Promise<void>
}

const REASONS: Partial<Record<Failure, object>> = {
  'bot-check': { reason: 'Sign in to confirm you’re not a bot' },
  'rate-limited': { reason: "Video unavailable. This content isn't available, try again later." },
  captcha: { reason: 'Video unavailable', captcha: true },
  private: { reason: "Private video. Sign in if you've been granted access to this video" },
  removed: { reason: 'Video unavailable. This video has been removed by the uploader' },
  'members-only': {
    reason: 'Join this channel to get access to members-only content like this video, and other exclusive perks.',
  },
  age: { reason: 'Sign in to confirm your age. This video may be inappropriate for some users.' },
  region: { reason: 'The uploader has not made this video available in your country', countries: ['DE'] },
  drm: { drm: true },
  upcoming: { reason: 'This live event will begin in 3 hours.' },
}

export async function startYoutubePages({ videos = {} }: { videos?: Record<string, PageVideo> } = {}): Promise<YoutubePages> {
  const hits = new Map<string, number>()
  const server = createServer((req, res) => {
    const url = new URL(req.url!, origin)
    const videoId = url.searchParams.get('v') ?? ''
    const video = pages.videos[videoId] ?? { failure: 'removed' }
    const hit = (what: string) => {
      hits.set(`${what} ${videoId}`, (hits.get(`${what} ${videoId}`) ?? 0) + 1)
      pages.onHit?.(videoId, what)
    }
    switch (url.pathname) {
      case '/youtube/player':
        hit('page')
        return player(origin, videoId, video, res)
      case '/plain/watch':
        hit('page')
        return plainPage(origin, videoId, video, res)
      case '/captions': {
        hit('captions')
        const track = video.captions?.[Number(url.searchParams.get('track'))]
        return send(res, track?.status ?? (track ? 200 : 404), 'text/plain', track ? fileOf(track) : '')
      }
      case '/captions.json3':
      case '/captions.vtt':
        hit('captions')
        return send(res, 200, 'text/plain', fileOf(video.captions![Number(url.searchParams.get('track'))]!))
      case '/youtube/sound':
        hit('sound')
        return sendSound(video.sound, res)
      case '/youtube/media.mp4':
        return send(res, 200, 'video/mp4', '')
      default:
        return send(res, 404, 'text/plain', '')
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const pages: YoutubePages = {
    env: { YOUTUBE_WATCH_URL: `${origin}/youtube/watch?v=`, XDG_CONFIG_HOME: join(import.meta.dirname, 'youtube-pages') },
    plainUrl: `${origin}/plain/watch?v=`,
    videos,
    onHit: undefined,
    hits: (videoId, what = 'page') => hits.get(`${what} ${videoId}`) ?? 0,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return pages
}

const send = (res: ServerResponse, status: number, type: string, body: string) =>
  void res.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(body)

function sendSound(sound: PageSound | undefined, res: ServerResponse) {
  if (!sound) return send(res, 404, 'text/plain', '')
  const body = readFileSync(sound.file)
  const length = sound.isChunked ? {} : { 'content-length': body.length }
  res.writeHead(200, { 'content-type': 'application/octet-stream', ...length })
  if (sound.stallsAfter === undefined) res.end(body)
  else res.write(body.subarray(0, sound.stallsAfter))
}

function player(
  origin: string,
  videoId: string,
  { failure, warnings, metadata, captions = [], sound }: PageVideo,
  res: ServerResponse,
) {
  if (failure === 'hangs') return
  if (typeof failure === 'number') return send(res, failure, 'text/plain', '')
  const at = (track: number) => `${origin}/captions?v=${videoId}&track=${track}`
  const subtitles: Record<string, object[]> = {}
  const automatic: Record<string, object[]> = {}
  for (const [i, { language, format, isAutomatic }] of captions.entries()) {
    const entries = [{ ext: format, url: at(i), name: language }]
    if (!isAutomatic) subtitles[language] = entries
    else {
      automatic[`${language}-orig`] = entries
      automatic[language] = entries
      // YouTube lists machine translations into every language it knows.
      for (const into of ['en', 'hi', 'fr'])
        if (into !== language) automatic[into] = [{ ext: format, url: `${at(i)}&tlang=${into}`, name: into }]
    }
  }
  const heard = sound && {
    formats: [
      {
        format_id: 'sound',
        url: `${origin}/youtube/sound?v=${videoId}`,
        ext: extname(sound.file).slice(1),
        vcodec: 'none',
        acodec: 'unknown',
        filesize: sound.bytes,
      },
    ],
  }
  const info = { title: `Video ${videoId}`, ...metadata, ...heard, subtitles, automatic_captions: automatic }
  send(res, 200, 'application/json', JSON.stringify({ ...(failure && REASONS[failure]), warnings, info }))
}

/** A page for yt-dlp's generic extractor, which knows no automatic captions. */
function plainPage(origin: string, videoId: string, { failure, metadata, captions = [] }: PageVideo, res: ServerResponse) {
  if (failure === 'hangs') return
  if (failure) return send(res, typeof failure === 'number' ? failure : 404, 'text/plain', '')
  const tracks = captions.map(
    ({ language, format }, i) =>
      `<track kind="captions" srclang="${language}" src="${origin}/captions.${format}?v=${videoId}&track=${i}">`,
  )
  const title = String(metadata?.title ?? `Video ${videoId}`)
  const video = `<video><source src="${origin}/youtube/media.mp4" type="video/mp4">${tracks.join('')}</video>`
  send(res, 200, 'text/html', `<html><head><title>${title}</title></head><body>${video}</body></html>`)
}

/** A caption file as sent by YouTube. */
export const fileOf = ({ format, said, isAutomatic }: Captions): string => {
  if (format === 'json3') return JSON.stringify({ wireMagic: 'pb3', events: isAutomatic ? rollingEvents(said) : events(said) })
  return `WEBVTT\nKind: captions\nLanguage: en\n\n${isAutomatic ? rollingVtt(said) : vtt(said)}`
}

const ms = (seconds: number) => Math.round(seconds * 1000)

const events = (said: readonly Said[]) =>
  said.map(([utf8, offset, duration]) => ({ tStartMs: ms(offset), dDurationMs: ms(duration), segs: [{ utf8 }] }))

/** Each word has its own time, a line break follows each line as its own event, and each line stays longer than it is spoken. */
const rollingEvents = (said: readonly Said[]) => [
  { tStartMs: 0, dDurationMs: ms((said.at(-1)?.[1] ?? 0) + (said.at(-1)?.[2] ?? 0)), id: 1, wpWinPosId: 1, wsWinStyleId: 1 },
  ...said.flatMap(([text, offset, duration], i) => [
    ...(i > 0 ? [{ tStartMs: ms(offset) - 10, dDurationMs: ms(duration), wWinId: 1, aAppend: 1, segs: [{ utf8: '\n' }] }] : []),
    {
      tStartMs: ms(offset),
      dDurationMs: ms(duration) * 2,
      wWinId: 1,
      segs: text.split(/(?= )/).map((utf8, word) => ({ utf8, ...(word > 0 ? { tOffsetMs: word * 10 } : {}), acAsrConf: 0 })),
    },
  ]),
]

const clock = (milliseconds: number) => {
  const [s, rest] = [Math.floor(milliseconds / 1000), milliseconds % 1000]
  const two = (n: number) => String(n).padStart(2, '0')
  return `${two(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}.${String(rest).padStart(3, '0')}`
}

const vtt = (said: readonly Said[]) =>
  said.map(([text, offset, duration]) => `${clock(ms(offset))} --> ${clock(ms(offset + duration))}\n${text}\n\n`).join('')

/** As on YouTube: the previous line above the spoken one, then the spoken line again for ten milliseconds. */
const rollingVtt = (said: readonly Said[]) =>
  said
    .map(([text, offset, duration], i) => {
      const [start, end] = [ms(offset), ms(offset + duration)]
      const [first, ...others] = text.split(' ')
      const spoken = [first, ...others.map((word, w) => `<${clock(start + w + 1)}><c> ${word}</c>`)].join('')
      const position = 'align:start position:0%'
      return (
        `${clock(start)} --> ${clock(end - 10)} ${position}\n${said[i - 1]?.[0] ?? ' '}\n${spoken}\n\n` +
        `${clock(end - 10)} --> ${clock(end)} ${position}\n${text}\n \n\n`
      )
    })
    .join('')
