import { expect } from 'chai'
import { open, type RawConnection, written } from '#test/platform/http/raw.ts'

/** What follows the last frame. */
export const END = ''

/** The stream of a video as its client sees it, frame by frame. */
export interface Stream {
  connection: RawConnection
  status: number
  /** The next frame, to the letter; `END` at the end. Each comes in a chunk of its own. */
  next(): Promise<string>
  /** What the next frames tell: `snapshot m-s` is a snapshot with metadata, no transcript, and a summary. */
  told(count: number): Promise<string[]>
}

export async function watch(url: string, videoId: string, headers: Record<string, string>): Promise<Stream> {
  const connection = await open(Number(new URL(url).port))
  connection.write(written('GET', `/v2/videos/${videoId}/stream`, headers))
  const { status } = await connection.answer()
  const next = async (): Promise<string> => {
    const frame = await connection.chunk()
    return frame === ': ping\n\n' ? next() : frame
  }
  return {
    connection,
    status,
    next,
    told: async (count) => {
      const frames: string[] = []
      while (frames.length < count) frames.push(shape(await next()))
      return frames
    },
  }
}

export function shape(frame: string): string {
  const [, name, data] = /^event: (\w+)\ndata: (.+)\n\n$/.exec(frame) ?? []
  if (!data) return frame
  const { event, video } = JSON.parse(data)
  expect(event).to.equal(name)
  return `${name} ${video.metadata ? 'm' : '-'}${video.transcript_available ? 't' : '-'}${video.summary === null ? '-' : 's'}`
}
