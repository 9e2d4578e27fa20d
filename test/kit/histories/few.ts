import fc from 'fast-check'

/** Few users, videos and notes, so that random commands meet the same ones. */

export const VIDEO = 'dQw4w9WgXcQ'
export const EMAIL = 'bob@example.com'
export const GUEST = 'guest-abcdefghijklmnopqrstuv'

/** Daily quota in all tests. */
export const QUOTA = 3

export const someUser = fc.integer({ min: 1, max: 3 })
export const someNote = fc.integer({ min: 1, max: 6 })
export const someVideo = fc.constantFrom(VIDEO, 'aaaaaaaaaaa', '-_-_-_-_-_-')
export const someText = fc.constantFrom('', 'a', 'b')
export const someTranscript = fc.tuple(fc.constantFrom(0, 1, 2), fc.boolean()).map(([rows, isHeard]) => ({
  s3Key: `transcripts/${VIDEO}.json`,
  rows,
  sizeBytes: rows * 10,
  sha256: `hash of ${rows}${isHeard ? ', heard' : ''}`,
  ...(isHeard && { origin: 'speech' as const }),
}))
