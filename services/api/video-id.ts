import { z } from 'zod'
import { strip } from '#platform/http/text.ts'

const ID = /^[\w-]{11}$/

/** A text that names no video, with the reason in words. */
export class VideoIdError extends Error {}

/**
 * Finds YouTube's id in what people give for it: the id itself or the address of a page that shows the video.
 *
 * @throws VideoIdError
 */
export function videoIdOf(given: string): string {
  const text = strip(given)
  if (text === '') throw new VideoIdError('video_id cannot be empty')
  if (text.includes('list=')) throw new VideoIdError('playlist URLs are not supported')
  const id = ID.test(text) ? text : idIn(/^https?:\/\//.test(text) ? text : `https://${text}`)
  if (!ID.test(id)) throw new VideoIdError('video_id must be a valid YouTube video ID')
  return id
}

/** What stands where an id should be in an address; empty when there is no such place. Looser than `URL`, as the clients are. */
function idIn(url: string): string {
  const { authority, path, query } = /^https?:\/\/(?<authority>[^/?#]*)(?<path>[^?#]*)(?:\?(?<query>[^#]*))?/.exec(url)!.groups!
  const host = hostOf(authority!)
  if (host === 'youtu.be') return path!.replace(/^\/+/, '').split('/')[0]!
  if (!host.includes('youtube.com')) return ''
  if (path === '/watch') return new URLSearchParams(query).getAll('v').find(Boolean) ?? ''
  return /^\/(?:shorts|live|embed)\/([^/]*)/.exec(path!)?.[1] ?? ''
}

function hostOf(authority: string): string {
  if (authority.includes('[') !== authority.includes(']')) throw new VideoIdError('Invalid IPv6 URL')
  const host = authority.slice(authority.lastIndexOf('@') + 1).replace(/:.*/s, '')
  return host.toLowerCase().replace(/^www\./, '')
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
