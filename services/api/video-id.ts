import { z } from 'zod'
import { strip } from '#platform/http/text.ts'

const ID = /^[\w-]{11}$/

/** A text that names no video. The message gives the reason, for people. */
export class VideoIdError extends Error {}

/**
 * Finds YouTube's id in what people give for a video: the id itself or the address of a page that shows the video.
 *
 * @throws VideoIdError
 */
export function videoIdOf(given: string): string {
  const text = strip(given)
  if (ID.test(text)) return text
  const address = text.replace(DROPPED, '')
  if (address === '') throw new VideoIdError('video_id cannot be empty')
  if (address.includes('list=')) throw new VideoIdError('playlist URLs are not supported')
  const id = idIn(/^https?:\/\//.test(address) ? address : `https://${address}`)
  if (!ID.test(id)) throw new VideoIdError('video_id must be a valid YouTube video ID')
  return id
}

/** Browsers drop these anywhere in an address (URL Standard, basic URL parser); a pasted address may be wrapped. */
const DROPPED = /[\t\n\r]/g

/** A backslash ends the authority, as in browsers: `https://evil.example\@youtube.com/` leads to evil.example. */
const PARTS = /^https?:\/\/(?<authority>[^/\\?#]*)(?<path>[^?#]*)(?:\?(?<query>[^#]*))?/

/** The part of an address where the id should be; empty when there is none. Looser than `URL`, like the clients. */
function idIn(url: string): string {
  const { authority, path, query } = PARTS.exec(url)!.groups!
  const host = hostOf(authority!)
  if (host === 'youtu.be' || host === 'www.youtu.be') return path!.replace(/^\/+/, '').split('/', 1)[0]!
  if (host !== 'youtube.com' && !host.endsWith('.youtube.com')) return ''
  if (path === '/watch') return new URLSearchParams(query).getAll('v').find(Boolean) ?? ''
  return /^\/(?:shorts|live|embed)\/([^/]*)/.exec(path!)?.[1] ?? ''
}

/** The host that a browser would connect to, without a trailing dot; empty when there is none. */
function hostOf(authority: string): string {
  if (authority.includes('[') !== authority.includes(']')) throw new VideoIdError('Invalid IPv6 URL')
  return URL.parse(`https://${authority}`)?.hostname.replace(/\.$/, '') ?? ''
}

/** A field that names a video in any way that `videoIdOf` understands. */
export const videoIdField = z.string().transform((given, { issues }) => {
  try {
    return videoIdOf(given)
  } catch (error) {
    if (!(error instanceof VideoIdError)) throw error
    issues.push({ code: 'custom', message: `Value error, ${error.message}`, input: given })
    return z.NEVER
  }
})
