/** What an object is kept with, beside its bytes: names in lower case, values in ASCII. */
export type ObjectMetadata = Readonly<Record<string, string>>

/** What is known of an object without reading it. */
export interface ObjectHead {
  sizeBytes: number
  metadata: ObjectMetadata
}

export interface FileOptions {
  metadata?: ObjectMetadata
  signal?: AbortSignal
}

/** Large things, kept outside the log under keys such as `transcripts/dQw4w9WgXcQ.json`. What was put is there for good when `put` resolves. */
export interface Objects {
  /**
   * Stores an object whole, in place of one that may be there.
   * @throws ObjectKeyError, and whatever the store fails with; then the old object stands
   */
  put(key: string, body: Buffer | string, contentType: string, metadata?: ObjectMetadata): Promise<void>
  /**
   * The object under this key, which may be one that others gave it; undefined when there is none.
   * @param maxBytes more than that is not read
   * @throws ObjectKeyError, ObjectTooLarge, and whatever the store fails with
   */
  get(key: string, maxBytes?: number): Promise<Buffer | undefined>
  close(): void
}

/** For those who work with files of objects. */
export interface ObjectStore extends Objects {
  /** Undefined when there is no such object. */
  head(key: string): Promise<ObjectHead | undefined>
  /** Does nothing when there is none. */
  delete(key: string): Promise<void>
  /** As `put`, with the bytes of a file, of which a small part is in memory at a time. */
  putFile(key: string, path: string, contentType: string, options?: FileOptions): Promise<void>
  /**
   * Writes an object to a file, of which a small part is in memory at a time.
   * @returns what is known of it; undefined, and no file, when there is none
   */
  getFile(key: string, path: string, options?: Pick<FileOptions, 'signal'>): Promise<ObjectHead | undefined>
}

/** A key that could lead out of the store. A mistake of ours: keys are made of ids that were checked. */
export class ObjectKeyError extends Error {
  override name = 'ObjectKeyError'
}

/** More bytes than who reads it can bear. */
export class ObjectTooLarge extends Error {
  override name = 'ObjectTooLarge'
  constructor(bytes: number, maxBytes: number) {
    super(`it has ${bytes.toLocaleString('en')} bytes, and ${maxBytes.toLocaleString('en')} may be read`)
  }
}

const KEY = /^(?!.*(^|\/)\.)[\w.-]+(\/[\w.-]+)*$/

/** Names of others may hold anything but what leads elsewhere in a folder. */
const KEY_OF_OTHERS = /^(?!.*(^|\/)\.)[^/\\\p{Cc}]+(\/[^/\\\p{Cc}]+)*$/u

/** Lets a key through that somebody else may have made, if it is safe to look up. */
export function readableKey(key: string): string {
  if (Buffer.byteLength(key) > 1024 || !KEY_OF_OTHERS.test(key) || !key.isWellFormed())
    throw new ObjectKeyError('an object key has names with slashes between, none of which begins with a dot')
  return key
}

/** Lets a key through that is safe as an address and as a path. */
export function checkedKey(key: string): string {
  if (key.length > 512 || !KEY.test(key))
    throw new ObjectKeyError('an object key has letters, digits, dots, dashes and slashes only')
  return key
}
