/** Metadata of an object: names in lower case, values in ASCII. */
export type ObjectMetadata = Readonly<Record<string, string>>

/** Size and metadata of an object. */
export interface ObjectHead {
  sizeBytes: number
  metadata: ObjectMetadata
}

export interface FileOptions {
  metadata?: ObjectMetadata
  signal?: AbortSignal
}

/** A store for large data outside the log, under keys such as `transcripts/dQw4w9WgXcQ.json`. An object is durable when `put` resolves. */
export interface Objects {
  /**
   * Stores an object atomically and replaces an existing one.
   * @throws ObjectKeyError and errors of the store; the old object then stays
   */
  put(key: string, body: Buffer | string, contentType: string, metadata?: ObjectMetadata): Promise<void>
  /**
   * Reads an object, also one whose key another program chose; undefined when it does not exist.
   * @param maxBytes larger objects are not read
   * @throws ObjectKeyError, ObjectTooLarge, and errors of the store
   */
  get(key: string, maxBytes?: number): Promise<Buffer | undefined>
  close(): void
}

/** A store that also reads and writes objects as files. */
export interface ObjectStore extends Objects {
  /** Size and metadata; undefined when the object does not exist. */
  head(key: string): Promise<ObjectHead | undefined>
  /** Deletes an object if it exists. */
  delete(key: string): Promise<void>
  /** Like `put`, from a file; holds only a small part of it in memory. */
  putFile(key: string, path: string, contentType: string, options?: FileOptions): Promise<void>
  /**
   * Writes an object to a file; holds only a small part of it in memory.
   * @returns its size and metadata; undefined, and no file, when the object does not exist
   */
  getFile(key: string, path: string, options?: Pick<FileOptions, 'signal'>): Promise<ObjectHead | undefined>
}

/** A key that could point outside the store. A bug of ours, because keys are built from checked ids. */
export class ObjectKeyError extends Error {
  override name = 'ObjectKeyError'
}

/** The object has more bytes than the reader allows. */
export class ObjectTooLarge extends Error {
  override name = 'ObjectTooLarge'
  constructor(bytes: number, maxBytes: number) {
    super(`it has ${bytes.toLocaleString('en')} bytes, and ${maxBytes.toLocaleString('en')} may be read`)
  }
}

const KEY = /^(?!.*(^|\/)\.)[\w.-]+(\/[\w.-]+)*$/

/** Keys of other programs: any characters except those that could point outside a folder. */
const KEY_OF_OTHERS = /^(?!.*(^|\/)\.)[^/\\\p{Cc}]+(\/[^/\\\p{Cc}]+)*$/u

/** Returns a key that another program may have chosen, if it is safe to read. @throws ObjectKeyError */
export function readableKey(key: string): string {
  if (Buffer.byteLength(key) > 1024 || !KEY_OF_OTHERS.test(key) || !key.isWellFormed())
    throw new ObjectKeyError('an object key has names with slashes between, none of which begins with a dot')
  return key
}

/** Returns a key if it is safe in a URL and as a file path. @throws ObjectKeyError */
export function checkedKey(key: string): string {
  if (key.length > 512 || !KEY.test(key))
    throw new ObjectKeyError('an object key has letters, digits, dots, dashes and slashes only')
  return key
}
