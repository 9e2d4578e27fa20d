import type { What } from './entries.ts'

/**
 * What a worker wrote cannot be handled, however often it is tried. Why is told in events, in logs and to all who may read the video, so
 * it names no path: the worker of the original keeps its files in folders named after the e-mail addresses of users.
 */
export class Unfit extends Error {
  override name = 'Unfit'
}

/** Where each kind of file lies: a worker that may write into the bucket shall not have us read what is not its own. */
const FOLDERS = { transcript: 'transcripts/', flashcards: 'flashcards/', quiz: 'quizzes/' } as const

/**
 * The key of an address such as `s3://bucket/key`.
 * @param bucket ours
 * @throws Unfit when it is none, or leads elsewhere than it may
 */
export function keyOf(address: string, what: Exclude<What, 'status'>, bucket: string | undefined): string {
  const found = /^s3:\/\/([^/]+)\/(.+)$/s.exec(address)
  if (!found) throw new Unfit(`the file_path of the ${what} is no address as s3://bucket/key`)
  const [, theirs, key] = found as unknown as [string, string, string]
  if (theirs !== bucket)
    throw new Unfit(`the file of the ${what} lies in another bucket than ours (${bucket ?? 'S3_BUCKET_NAME is not set'})`)
  if (!key.startsWith(FOLDERS[what])) throw new Unfit(`the file of the ${what} does not lie in ${FOLDERS[what]}`)
  return key
}
