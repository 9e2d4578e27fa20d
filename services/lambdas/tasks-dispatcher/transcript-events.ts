const TRANSCRIPT = /^transcripts\/([\w-]{1,64})\.json$/

interface Notification {
  Event?: unknown
  Records?: { eventName?: string; s3?: { object?: { key?: string } } }[]
}

/**
 * The videos whose transcripts a notification of S3 speaks of, each once. What else it speaks of is of no concern, nor is the test
 * event that S3 sends first.
 * @throws Error when it is no notification of S3
 */
export function videosIn(notification: unknown): string[] {
  const { Event, Records } = (notification ?? {}) as Notification
  if (Event === 's3:TestEvent') return []
  if (!Array.isArray(Records)) throw new Error('this is no notification of S3')
  const made = Records.filter(({ eventName = '' }) => /^(s3:)?ObjectCreated:/.test(eventName))
  return [...new Set(made.flatMap(({ s3 }) => videoOf(decodedKey(s3?.object?.key ?? ''))))]
}

const videoOf = (key: string): string[] => TRANSCRIPT.exec(key)?.slice(1, 2) ?? []

/** S3 writes keys as forms do: `+` for a blank, the rest in percent. A key that is not so is no key of ours. */
function decodedKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch {
    return ''
  }
}
