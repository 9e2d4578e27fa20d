import { z } from 'zod'

/** A video that YouTube found. */
export interface Hit {
  videoId: string
  /** As plain text, not HTML. */
  title: string
}

/** Finds videos by words, best match first. Throws SearchFailed. */
export type Search = (words: string) => Promise<Hit[]>

/** YouTube did not answer in time, or answered with an error. */
export class SearchFailed extends Error {}

export interface SearchOptions {
  /** Base URL of the YouTube Data API, without a final slash. */
  url: string
  key: string
  timeoutMs?: number
}

const TIMEOUT_MS = 5_000
/** A search costs the same for any number of results; an exact title match is among the first. */
const MOST = 25

const Answer = z.object({ items: z.array(z.unknown()) })
const Item = z.object({ id: z.object({ videoId: z.string().regex(/^[\w-]{11}$/) }), snippet: z.object({ title: z.string() }) })
const Refusal = z.object({ error: z.object({ errors: z.array(z.object({ reason: z.string() })) }) })

/** Searches with the YouTube Data API v3. */
export function youtubeSearch({ url, key, timeoutMs = TIMEOUT_MS }: SearchOptions): Search {
  return async (words) => {
    const query = new URLSearchParams({ part: 'snippet', type: 'video', maxResults: String(MOST), q: literal(words), key })
    const answer = await ask(`${url}/search?${query}`, timeoutMs)
    const found = Answer.safeParse(answer)
    if (!found.success) throw new SearchFailed('its answer has an unknown form')
    const videos = found.data.items.map((item) => Item.safeParse(item).data).filter((item) => item !== undefined)
    return videos.map(({ id, snippet }) => ({ videoId: id.videoId, title: unescaped(snippet.title) }))
  }
}

/** Fetches an address. The address contains the API key, so it must not appear in errors or logs. */
async function ask(address: string, timeoutMs: number): Promise<unknown> {
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' })
    const body: unknown = await response.json().catch(() => undefined)
    if (response.ok) return body
    const { data } = Refusal.safeParse(body)
    throw new SearchFailed(`it answered ${response.status} ${data?.error.errors[0]?.reason ?? ''}`.trim())
  } catch (error) {
    if (error instanceof SearchFailed) throw error
    const { name, cause } = error as Error & { cause?: { code?: string } }
    throw new SearchFailed(name === 'TimeoutError' ? `it did not answer within ${timeoutMs} ms` : (cause?.code ?? name))
  }
}

/** Removes search operators: a bar means "or", a leading dash "without". */
const literal = (words: string) => words.replaceAll('|', ' ').replace(/(^|\s)-+(?=\S)/g, '$1')

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Decodes HTML entities: the API returns titles as HTML. */
const unescaped = (html: string) =>
  html.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));/gi, (whole, decimal, hex, name) => {
    if (name) return NAMED[name.toLowerCase()] ?? whole
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
