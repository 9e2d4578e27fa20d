import { linkSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** How often a holder touches its file to show that it is alive. */
const TOUCH_MS = 1_000
/** A holder that has not touched its file for this long counts as dead. */
const STALE_MS = 10_000
const LOOK_MS = 50

/**
 * Runs work while no other process with the same lock file does. Detects dead holders by the file's time, not by a process id,
 * because processes in containers that share a folder may have equal ids. A process that was suspended for ten seconds may resume
 * while another one works, so the work must be correct even then.
 * @param path of the lock file, which exists only during the work; its folder must exist
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
    // another process took this one for dead and removed the file
  }
}

/** Removes the lock file if it is stale. Puts it back if it is another file by then, because another waiter has taken the lock. */
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
