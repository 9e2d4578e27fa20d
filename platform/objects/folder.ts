import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { codeOf } from '#platform/pg/errors.ts'
import { checkedKey, type ObjectHead, type ObjectMetadata, type ObjectStore, ObjectTooLarge, readableKey } from './objects.ts'

/** Stores objects as files below a folder, which the first object creates. Metadata is in a hidden file beside its object. */
export function folderObjects(folder: string): ObjectStore {
  const pathOf = (key: string) => join(folder, ...checkedKey(key).split('/'))

  async function store(key: string, write: (file: FileHandle) => Promise<unknown>, metadata: ObjectMetadata) {
    const path = pathOf(key)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await replace(path, write, async () => {
      // Metadata is put in place before the object, so that a new object never lacks it. An old object briefly has the new metadata.
      if (Object.keys(metadata).length > 0) await replace(metadataPath(path), (file) => file.writeFile(JSON.stringify(metadata)))
      else await rm(metadataPath(path), { force: true })
    })
    await settled(dirname(path))
  }

  async function head(key: string): Promise<ObjectHead | undefined> {
    const path = pathOf(key)
    const found = await absent(stat(path))
    return found?.isFile() ? { sizeBytes: found.size, metadata: await metadataOf(path) } : undefined
  }

  return {
    put: (key, body, _, metadata = {}) => store(key, (file) => file.writeFile(body), metadata),
    get: async (key, maxBytes = Number.POSITIVE_INFINITY) => absent(read(join(folder, ...readableKey(key).split('/')), maxBytes)),
    head,
    async delete(key) {
      const path = pathOf(key)
      await rm(path, { force: true })
      await rm(metadataPath(path), { force: true })
    },
    async putFile(key, path, _, { metadata = {}, signal } = {}) {
      await store(key, (file) => file.writeFile(createReadStream(path), { signal }), metadata)
    },
    async getFile(key, path, { signal } = {}) {
      const found = await head(key)
      if (!found) return undefined
      await pipeline(createReadStream(pathOf(key)), createWriteStream(path, { mode: 0o600 }), { signal })
      return found
    },
    close() {},
  }
}

const metadataPath = (path: string) => join(dirname(path), `.${basename(path)}.meta`)

async function metadataOf(path: string): Promise<ObjectMetadata> {
  const text = await absent(readFile(metadataPath(path), 'utf8'))
  return text === undefined ? {} : (JSON.parse(text) as ObjectMetadata)
}

/** Resolves to undefined when the file does not exist. */
async function absent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Replaces a file atomically: a concurrent reader gets the old content.
 * @param ready runs when the new content is on the disk, before it takes the place of the old one
 */
async function replace(path: string, write: (file: FileHandle) => Promise<unknown>, ready?: () => Promise<unknown>) {
  const unfinished = `${path}.${randomUUID()}~`
  try {
    await written(unfinished, write)
    await ready?.()
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {})
    throw error
  }
}

async function read(path: string, maxBytes: number) {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    if (size > maxBytes) throw new ObjectTooLarge(size, maxBytes)
    return await file.readFile()
  } finally {
    await file.close()
  }
}

async function written(path: string, write: (file: FileHandle) => Promise<unknown>) {
  const file = await open(path, 'wx', 0o600)
  try {
    await write(file)
    // An event will record that the object exists, so the file has to survive a power failure.
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes a new file name in a folder survive a power failure. */
async function settled(folder: string) {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
