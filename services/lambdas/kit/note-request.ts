import { videoIdOf } from './video-id.ts'

/** A note that waits for its text. */
export interface NoteRequest {
  noteId: number
  videoId: string
  timestamp: string
  title: string | undefined
}

/** Reads a message of VidWiz, or a whole note as sent by the dispatcher. @throws Error */
export function noteRequestOf(message: Record<string, unknown>): NoteRequest {
  const { id, timestamp, video } = message
  if (typeof id !== 'number' || !Number.isSafeInteger(id)) throw new Error('the message has no id')
  if (typeof timestamp !== 'string') throw new Error('the message has no timestamp')
  return { noteId: id, videoId: videoIdOf(message), timestamp, title: titleIn(video) }
}

/** Title of a video from the API or a message. */
export function titleIn(video: unknown): string | undefined {
  const { title } = (video ?? {}) as { title?: unknown }
  return typeof title === 'string' && title.trim() !== '' ? title.trim() : undefined
}
