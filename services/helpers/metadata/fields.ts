/** Metadata that the API stores: the ten fields of the contract, then three more for the web app. */
export interface Metadata {
  id: string
  title: string | null
  uploader: string | null
  /** YYYYMMDD. */
  upload_date: string | null
  /** Whole seconds. */
  duration: number | null
  view_count: number | null
  like_count: number | null
  channel_url: string | null
  description: string | null
  thumbnail: string | null
  channel: string | null
  uploader_url: string | null
  duration_string: string | null
}

/**
 * @param info yt-dlp's information on the video
 */
export function metadataOf(videoId: string, info: Record<string, unknown>): Metadata {
  const text = (name: string) => {
    const value = info[name]
    return typeof value === 'string' && value !== '' ? value.toWellFormed().replaceAll('\0', '') : null
  }
  const whole = (name: string) => {
    const value = info[name]
    return typeof value === 'number' && Number.isFinite(value) ? Math.round(value) : null
  }
  return {
    id: videoId,
    title: text('title'),
    uploader: text('uploader'),
    upload_date: text('upload_date'),
    duration: whole('duration'),
    view_count: whole('view_count'),
    like_count: whole('like_count'),
    channel_url: text('channel_url'),
    description: text('description'),
    thumbnail: text('thumbnail'),
    channel: text('channel'),
    uploader_url: text('uploader_url'),
    duration_string: text('duration_string'),
  }
}
