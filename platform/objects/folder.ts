import { randomUUID } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf } from '#platform/pg/errors.ts'
import { checkedKey, type Objects, ObjectTooLarge, readableKey } from './objects.ts'

/** Objects as files below a folder, which is made with the first of them. */
export function folderObjects(folder: string): Objects {
  const pathOf = (key: string) => join(folder, ...checkedKey(key).split('/'))
  return {
    async put(key, body) {
      const path = pathOf(key)
      // A file appears whole or not at all: who reads meanwhile gets the old one.
      const unfinished = `${path}.${randomUUID()}~`
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      try {
        await written(unfinished, body)
        await rename(unfinished, path)
      } catch (error) {
        await rm(unfinished, { force: true }).catch(() => {})
        throw error
      }
      await settled(dirname(path))
    },
    async get(key, maxBytes = Number.POSITIVE_INFINITY) {
      try {
        return await read(join(folder, ...readableKey(key).split('/')), maxBytes)
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined
        throw error
      }
    },
    close() {},
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

async function written(path: string, body: Buffer | string) {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(body)
    // An event will say that it is there: it has to outlive a power failure as well.
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes a new name in a folder outlive a power failure. */
async function settled(folder: string) {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
