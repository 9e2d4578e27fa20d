const TRANSCRIPT = /^transcripts\/([\w-]{1,64})\.json$/

interface Notification {
  Event?: unknown
  Records?: { eventName?: string; s3?: { object?: { key?: string } } }[]
}

/**
 * Distinct video ids of the transcripts in an S3 notification. Other objects are ignored, and so is the test event that S3 sends
 * first.
 * @throws Error when it is not an S3 notification
 */
export function videosIn(notification: unknown): string[] {
  const { Event, Records } = (notification ?? {}) as Notification
  if (Event === 's3:TestEvent') return []
  if (!Array.isArray(Records)) throw new Error('this is no notification of S3')
  const made = Records.filter(({ eventName = '' }) => /^(s3:)?ObjectCreated:/.test(eventName))
  return [...new Set(made.flatMap(({ s3 }) => videoOf(decodedKey(s3?.object?.key ?? ''))))]
}

const videoOf = (key: string): string[] => TRANSCRIPT.exec(key)?.slice(1, 2) ?? []

/** S3 encodes keys like form data: `+` for a blank, percent encoding for the rest. Malformed keys cannot be transcripts. */
function decodedKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch {
    return ''
  }
}
