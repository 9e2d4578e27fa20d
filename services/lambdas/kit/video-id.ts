/** Ids that are safe in an object key and an API path: YouTube's 11 characters, or the number that another system uses. */
const VIDEO_ID = /^[\w-]{1,64}$/

/** The `video_id` of a message. @throws Error */
export function videoIdOf({ video_id: given }: Record<string, unknown>): string {
  const id = typeof given === 'number' ? String(given) : given
  if (typeof id === 'string' && VIDEO_ID.test(id)) return id
  throw new Error('the message has no video_id')
}
