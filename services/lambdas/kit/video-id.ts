/** The ids that a key of the bucket and a path of the API can hold: 11 letters of YouTube's, or a number of somebody else's. */
const VIDEO_ID = /^[\w-]{1,64}$/

/** The `video_id` of a message. @throws Error */
export function videoIdOf({ video_id: given }: Record<string, unknown>): string {
  const id = typeof given === 'number' ? String(given) : given
  if (typeof id === 'string' && VIDEO_ID.test(id)) return id
  throw new Error('the message has no video_id')
}
