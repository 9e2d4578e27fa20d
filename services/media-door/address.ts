import type { What } from './entries.ts'

/**
 * Thrown when a worker's entry can never be handled. The reason appears in events, in logs and to all who may read the video, so it
 * must not contain a path: the original's worker keeps files in folders named after users' e-mail addresses.
 */
export class Unfit extends Error {
  override name = 'Unfit'
}

/** Allowed folder of each kind of file: a worker with write access to the bucket must not make the door read other files. */
const FOLDERS = { transcript: 'transcripts/', flashcards: 'flashcards/', quiz: 'quizzes/' } as const

/**
 * The key in an address such as `s3://bucket/key`.
 * @param bucket the only allowed bucket
 * @throws Unfit when the address is malformed or leads elsewhere
 */
export function keyOf(address: string, what: Exclude<What, 'status'>, bucket: string | undefined): string {
  const found = /^s3:\/\/([^/]+)\/(.+)$/s.exec(address)
  if (!found) throw new Unfit(`the file_path of the ${what} is not an address such as s3://bucket/key`)
  const [, theirs, key] = found as unknown as [string, string, string]
  if (theirs !== bucket)
    throw new Unfit(`the file of the ${what} lies in another bucket than ours (${bucket ?? 'S3_BUCKET_NAME is not set'})`)
  if (!key.startsWith(FOLDERS[what])) throw new Unfit(`the file of the ${what} does not lie in ${FOLDERS[what]}`)
  return key
}
