import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import type { ObjectMetadata, ObjectStore } from '#platform/objects/open.ts'
import { away } from './ending.ts'
import { patiently } from './patience.ts'

/** What lies in the store, found again only if it is whole: its size and its hash are those that it was put with. */
export interface Stored {
  /** Undefined when it is not there, or not whole. */
  read(key: string): Promise<{ body: Buffer; metadata: ObjectMetadata } | undefined>
  /** Bytes whose hash somebody else knows; undefined when they are not there or others. */
  readAs(key: string, sha256: string): Promise<Buffer | undefined>
  /** Puts it, unless just that is there. */
  write(key: string, body: string, metadata?: ObjectMetadata): Promise<void>
  /** Into a file; undefined, and no file, when it is not there or not whole. */
  fetch(key: string, path: string): Promise<FoundFile | undefined>
  /** What `fetch` would tell, without its reading. */
  find(key: string): Promise<FoundFile | undefined>
  /** A file, which is put and hashed. */
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
  /** For how long the store may be away. */
  patienceMs: number
  onTrouble(error: Error): void
  /** Told of an object that is not what was put. */
  onBroken(key: string): void
}

/** All of it throws Ended when the store is away for longer than patience lasts, and what `signal` was aborted with. */
export function openStored({ objects, signal, patienceMs, onTrouble, onBroken }: StoredOptions): Stored {
  async function patient<T>(work: () => Promise<T>): Promise<T> {
    try {
      // A full disk is nothing that the store can help.
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
