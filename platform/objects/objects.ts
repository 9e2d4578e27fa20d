/** Large things, kept outside the log under keys such as `transcripts/dQw4w9WgXcQ.json`. What was put is there for good when `put` resolves. */
export interface Objects {
  /**
   * Stores an object whole, in place of one that may be there.
   * @throws ObjectKeyError, and whatever the store fails with; then the old object stands
   */
  put(key: string, body: Buffer | string, contentType: string): Promise<void>
  /** The object under this key; undefined when there is none. */
  get(key: string): Promise<Buffer | undefined>
  close(): void
}

/** A key that could lead out of the store. A mistake of ours: keys are made of ids that were checked. */
export class ObjectKeyError extends Error {
  override name = 'ObjectKeyError'
}

const KEY = /^(?!.*(^|\/)\.)[\w.-]+(\/[\w.-]+)*$/

/** Lets a key through that is safe as an address and as a path. */
export function checkedKey(key: string): string {
  if (key.length > 512 || !KEY.test(key))
    throw new ObjectKeyError('an object key has letters, digits, dots, dashes and slashes only')
  return key
}
