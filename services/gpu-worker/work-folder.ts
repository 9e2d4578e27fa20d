import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { readdir, stat, statfs } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { dataFolder } from '#platform/config/data-folder.ts'
import { identity } from '#platform/processes.ts'

/** Folder for one job's files. */
export interface WorkFolder {
  path: string
  /** Removes the folder with its files. */
  remove(): void
}

const TOUCH_MS = 20_000
/** Whether a worker on another machine is alive shows only in its folder's modification time. */
const STALE_MS = 5 * 60_000

/** In the data folder, which several workers may share. */
const folderOf = (data: string) => join(dataFolder(data), 'gpu-worker', 'work')

const owner = () => `${hostname()}_${identity(process.pid)}`

export function takeWorkFolder(data: string): WorkFolder {
  const path = join(folderOf(data), `${owner()}_${randomUUID()}`)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const touching = setInterval(() => touch(path), TOUCH_MS)
  return {
    path,
    remove() {
      clearInterval(touching)
      rmSync(path, { recursive: true, force: true })
    },
  }
}

function touch(path: string) {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {
    // removed meanwhile
  }
}

/** Removes the folders of killed workers. @returns how many */
export function sweepWorkFolders(data: string): number {
  const folder = folderOf(data)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const left = readdirSync(folder).filter((name) => isLeft(join(folder, name), name))
  // A child of a killed worker may still be writing there.
  for (const name of left) rmSync(join(folder, name), { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  return left.length
}

function isLeft(path: string, name: string): boolean {
  const [, host, process] = /^(.*)_(\d+@[^_]*)_[^_]*$/.exec(name) ?? []
  if (host === hostname() && process) return identity(Number.parseInt(process, 10)) !== process
  const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() }
  return Date.now() - mtimeMs > STALE_MS
}

/** Free bytes on the folder's disk, for this user. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** Total size of a folder's files. Files that vanish meanwhile are ignored. */
export async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = entries.map(async (entry) => {
    if (!entry.isFile()) return 0
    return (await stat(join(entry.parentPath, entry.name)).catch(() => undefined))?.size ?? 0
  })
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
