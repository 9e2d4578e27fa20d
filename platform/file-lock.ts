import { linkSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** A holder shows that it lives by touching its file. */
const TOUCH_MS = 1_000
/** Who has not done so for so long is dead, or will find that nothing depends on it. */
const STALE_MS = 10_000
const LOOK_MS = 50

/**
 * Does some work while no other process that uses the same file does. By the file's time, not by a process id: processes in
 * containers that share a folder have the same ids. A process that was asleep for ten seconds may come back while another one
 * works, so the work must also be right then.
 * @param path of a file that exists only meanwhile; its folder exists
 */
export async function withFileLock<T>(path: string, work: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
  while (!taken(path)) {
    removeStale(path)
    await sleep(LOOK_MS, undefined, { signal })
  }
  const touching = setInterval(() => touch(path), TOUCH_MS)
  try {
    return await work()
  } finally {
    clearInterval(touching)
    rmSync(path, { force: true })
  }
}

function taken(path: string): boolean {
  try {
    writeFileSync(path, '', { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function touch(path: string) {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {
    // somebody took us for dead
  }
}

/** Only the very file that was seen to be stale: another waiter may have replaced it meanwhile. */
function removeStale(path: string) {
  const seen = statSync(path, { throwIfNoEntry: false })
  if (!seen || Date.now() - seen.mtimeMs < STALE_MS) return
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
    if (statSync(aside).ino !== seen.ino) linkSync(aside, path)
  } catch {
    // another waiter was faster
  }
  rmSync(aside, { force: true })
}
