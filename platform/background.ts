import { existsSync, readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { constants, getPriority, setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { sessionOf } from './processes.ts'

/**
 * Background work gives processors up to processes that serve people. On Linux two numbers decide: processors are shared between
 * sessions first, by the priority of each session's group (autogroup), and only then between the processes of a session, by their
 * nice values (man 7 sched). A nice value alone therefore means nothing to a service or a database, which have sessions of their own.
 */
const LOW = constants.priority.PRIORITY_BELOW_NORMAL
/** The lowest: 1.5 % of the time that a normal session has when both want the same processor. */
const LOWEST = constants.priority.PRIORITY_LOW
/** For users without privileges Linux changes the priority of one group every 100 ms, on the whole machine. */
const TRIES = 20
const TRY_MS = 60

/** How many callers of `inForeground` are at work. */
let hurrying = 0

/**
 * Lowers this process's priority, and that of its session if it leads one; a session of a shell is left alone. For background work
 * that takes minutes. What the system forbids or does not know stays as it is.
 */
export async function giveWay(): Promise<void> {
  // On Linux each thread has a priority of its own, and new threads take that of the main one.
  const threads = existsSync('/proc/self/task') ? readdirSync('/proc/self/task').map(Number) : [0]
  for (const thread of threads)
    try {
      setPriority(thread, LOW)
    } catch {
      // the work goes on with normal priority
    }
  await setSessionPriority(process.pid, LOWEST)
}

/** Whether this process gave way; a thread that it started knows as well. */
const isBackground = () => getPriority() >= LOW

/**
 * Lowers the session of another process while `work` runs, if this process gave way.
 * @param leader the pid of a process that leads its session, on this machine; undefined if there is none
 */
export async function asBackground<T>(leader: number | undefined, work: () => Promise<T>): Promise<T> {
  if (leader === undefined || !isBackground()) return work()
  const before = await setSessionPriority(leader, LOWEST)
  try {
    return await work()
  } finally {
    if (before !== undefined) await setSessionPriority(leader, before)
  }
}

/** Gives the session of this process its normal priority while `work` runs, for work that others may wait for. */
export async function inForeground<T>(work: () => Promise<T>): Promise<T> {
  if (!isBackground()) return work()
  if (hurrying++ === 0) await setSessionPriority(process.pid, 0)
  try {
    return await work()
  } finally {
    if (--hurrying === 0) await setSessionPriority(process.pid, LOWEST)
  }
}

/** @returns the priority before; undefined when nothing changed, because the system does not allow it or there is no such session */
async function setSessionPriority(leader: number, nice: number): Promise<number | undefined> {
  const group = `/proc/${leader}/autogroup`
  if (sessionOf(leader) !== leader) return undefined
  for (let tries = 1; ; tries++)
    try {
      const before = Number(/nice (-?\d+)/.exec(await readFile(group, 'utf8'))?.[1])
      if (Number.isNaN(before) || before === nice) return undefined
      await writeFile(group, String(nice))
      return before
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || tries === TRIES) return undefined
      await sleep(TRY_MS)
    }
}
