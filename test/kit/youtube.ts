import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Stands in for YouTube's Data API v3: an HTTP server that answers searches. */
export interface YouTube {
  /** Value for YOUTUBE_API_URL. */
  url: string
  /** Parsed queries so far. */
  asked: URLSearchParams[]
  /** Result of every search; titles are HTML, as on YouTube. */
  videos: { videoId: string; title: string }[]
  /** Kind of answer: correct, quota exceeded, nonsense, a redirect, or none. */
  mood: 'well' | 'exhausted' | 'babbling' | 'elsewhere' | 'mute'
  close(): Promise<void>
}

export const KEY = 'a YouTube key that only tests use'

export async function startYouTube(): Promise<YouTube> {
  const server = createServer((req, res) => {
    const url = new URL(req.url!, 'http://youtube.example')
    youtube.asked.push(url.searchParams)
    const answer = (status: number, body: unknown) => {
      res.writeHead(status, { 'Content-Type': 'application/json; charset=UTF-8' })
      res.end(typeof body === 'string' ? body : JSON.stringify(body))
    }
    if (youtube.mood === 'mute') return
    if (youtube.mood === 'babbling') return answer(200, '<html>')
    if (youtube.mood === 'elsewhere') return res.writeHead(302, { Location: '/' }).end()
    if (req.method !== 'GET' || url.pathname !== '/youtube/v3/search') return answer(404, failure(404, 'notFound'))
    if (url.searchParams.get('key') !== KEY) return answer(400, failure(400, 'badRequest'))
    if (youtube.mood === 'exhausted') return answer(403, failure(403, 'quotaExceeded'))
    answer(200, found(youtube.videos))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const youtube: YouTube = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/youtube/v3`,
    asked: [],
    videos: [],
    mood: 'well',
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return youtube
}

const found = (videos: YouTube['videos']) => ({
  kind: 'youtube#searchListResponse',
  etag: 'x',
  regionCode: 'US',
  pageInfo: { totalResults: videos.length, resultsPerPage: 25 },
  items: videos.map(({ videoId, title }) => ({
    kind: 'youtube#searchResult',
    etag: 'x',
    id: { kind: 'youtube#video', videoId },
    snippet: {
      publishedAt: '2009-10-25T06:57:33Z',
      channelId: 'UCuAXFkgsw1L7xaCfnd5JJOw',
      title,
      description: '',
      thumbnails: {},
      channelTitle: 'x',
      liveBroadcastContent: 'none',
    },
  })),
})

const failure = (code: number, reason: string) => ({
  error: { code, message: reason, errors: [{ message: reason, domain: 'youtube', reason }] },
})
