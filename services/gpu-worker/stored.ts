import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import type { ObjectMetadata, ObjectStore } from '#platform/objects/open.ts'
import { away } from './ending.ts'
import { patiently } from './patience.ts'

/** Objects in the store. Reads return an object only if it is intact: size and hash match those it was stored with. */
export interface Stored {
  /** Undefined if missing or not intact. */
  read(key: string): Promise<{ body: Buffer; metadata: ObjectMetadata } | undefined>
  /** Reads bytes with a known hash; undefined if missing or different. */
  readAs(key: string, sha256: string): Promise<Buffer | undefined>
  /** Stores the body, unless it is already there. */
  write(key: string, body: string, metadata?: ObjectMetadata): Promise<void>
  /** Downloads to a file; undefined, and no file, if missing or not intact. */
  fetch(key: string, path: string): Promise<FoundFile | undefined>
  /** Same result as `fetch`, without the download; checks the size only. */
  find(key: string): Promise<FoundFile | undefined>
  /** Hashes and uploads a file. */
  keep(key: string, path: string, contentType: string, metadata?: ObjectMetadata): Promise<FoundFile>
  remove(key: string): Promise<void>
}

export interface FoundFile {
  sizeBytes: number
  sha256: string
  metadata: ObjectMetadata
}

const JSON_TYPE = 'application/json'

export interface StoredOptions {
  objects: ObjectStore
  signal: AbortSignal
  /** How long the store may be away, in milliseconds. */
  patienceMs: number
  onTrouble(error: Error): void
  /** Called with the key of an object that is not what was stored. */
  onBroken(key: string): void
}

/** All methods throw Ended when the store is away for longer than `patienceMs`, and the reason of `signal` when aborted. */
export function openStored({ objects, signal, patienceMs, onTrouble, onBroken }: StoredOptions): Stored {
  async function patient<T>(work: () => Promise<T>): Promise<T> {
    try {
      // Retries cannot help against a full local disk.
      const mayPass = (error: unknown) => (error as NodeJS.ErrnoException).code !== 'ENOSPC'
      return await patiently(work, { forMs: patienceMs, signal, mayPass, onTrouble })
    } catch (error) {
      signal.throwIfAborted()
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw error
      throw away(`the store of objects is away: ${(error as Error).message || (error as Error).name}`, { cause: error })
    }
  }

  const stored: Stored = {
    async read(key) {
      const head = await patient(() => objects.head(key))
      if (!head) return undefined
      const body = await patient(() => objects.get(key))
      if (body && hashOf(body) === head.metadata.sha256) return { body, metadata: head.metadata }
      onBroken(key)
      return undefined
    },
    async readAs(key, sha256) {
      const body = await patient(() => objects.get(key))
      if (body && hashOf(body) === sha256) return body
      onBroken(key)
      return undefined
    },
    async write(key, body, metadata = {}) {
      const sha256 = hashOf(body)
      const found = await stored.read(key)
      if (found && hashOf(found.body) === sha256) return
      await patient(() => objects.put(key, body, JSON_TYPE, { ...metadata, sha256 }))
    },
    async fetch(key, path) {
      const found = await stored.find(key)
      if (!found) return undefined
      const head = await patient(() => objects.getFile(key, path, { signal }))
      if (head && (await hashOfFile(path, signal)) === head.metadata.sha256) return found
      onBroken(key)
      await rm(path, { force: true })
      return undefined
    },
    async find(key) {
      const head = await patient(() => objects.head(key))
      if (!head) return undefined
      const { sizeBytes, metadata } = head
      if (metadata.sha256 && metadata.bytes === String(sizeBytes)) return { sizeBytes, sha256: metadata.sha256, metadata }
      onBroken(key)
      return undefined
    },
    async keep(key, path, contentType, metadata = {}) {
      const { size: sizeBytes } = await stat(path)
      const sha256 = await hashOfFile(path, signal)
      const all = { ...metadata, sha256, bytes: String(sizeBytes) }
      await patient(() => objects.putFile(key, path, contentType, { metadata: all, signal }))
      return { sizeBytes, sha256, metadata: all }
    },
    remove: (key) => patient(() => objects.delete(key)),
  }
  return stored
}

export const hashOf = (body: Buffer | string): string => createHash('sha256').update(body).digest('hex')

async function hashOfFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { signal })) hash.update(chunk)
  return hash.digest('hex')
}
