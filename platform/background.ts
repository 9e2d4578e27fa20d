import { existsSync, readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { constants, getPriority, setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'
import { sessionOf } from './processes.ts'

/**
 * Background work leaves the processors to processes that serve people. On Linux two numbers decide: processors are shared between
 * sessions first, by the priority of each session's group (autogroup), and only then between the processes of a session, by their
 * nice values (man 7 sched). A nice value alone therefore means nothing to a service or a database, which have sessions of their own.
 */
const LOW = constants.priority.PRIORITY_BELOW_NORMAL
const NORMAL = constants.priority.PRIORITY_NORMAL
/** The lowest: 1.5 % of the time that a normal session gets when both want the same processor. */
const LOWEST = constants.priority.PRIORITY_LOW
/** How long to try. For users without privileges, Linux allows one change in 100 ms on the whole machine. */
const LOWER_MS = 1_000
/** The same for the way back. Longer, because others would wait for work whose priority stays low. */
const RESTORE_MS = 10_000

/** Whether this process gave way. Threads that it starts afterwards inherit it. */
const IS_BACKGROUND = 'is background'

/**
 * Lowers this process's nice value, and the priority of its session if it leads one; the session of a shell stays as it is. For background
 * work that takes minutes. What the system forbids or does not know stays unchanged.
 */
export async function giveWay(): Promise<void> {
  setEnvironmentData(IS_BACKGROUND, true)
  // On Linux each thread has a nice value of its own, and new threads take that of the main one.
  const threads = existsSync('/proc/self/task') ? readdirSync('/proc/self/task').map(Number) : [0]
  for (const thread of threads)
    try {
      if (getPriority(thread) < LOW) setPriority(thread, LOW)
    } catch {
      // the work goes on with normal priority
    }
  await settle()
}

const isBackground = () => getEnvironmentData(IS_BACKGROUND) === true

/**
 * Lowers the session of another process while `work` runs, if this process gave way.
 * @param find returns the pid of a process that leads its session, on this machine; undefined if there is none
 */
export async function asBackground<T>(find: () => number | undefined, work: () => Promise<T>): Promise<T> {
  const leader = isBackground() ? find() : undefined
  if (leader === undefined) return work()
  const before = await setSessionPriority(leader, () => LOWEST, LOWER_MS)
  try {
    return await work()
  } finally {
    if (before !== undefined) await setSessionPriority(leader, () => before, RESTORE_MS)
  }
}

/** How many callers of `inForeground` are at work. */
let hurrying = 0
/** Changes of this process's session, one after the other. */
let settled: Promise<unknown> = Promise.resolve()

/** Gives this process's session the priority that it should have now. */
function settle(): Promise<unknown> {
  const wanted = () => (hurrying > 0 ? NORMAL : LOWEST)
  settled = settled.then(() => setSessionPriority(process.pid, wanted, hurrying > 0 ? RESTORE_MS : LOWER_MS))
  return settled
}

/** Gives the session of this process its normal priority while `work` runs, for work that others may wait for. */
export async function inForeground<T>(work: () => Promise<T>): Promise<T> {
  if (!isBackground()) return work()
  hurrying++
  await settle()
  try {
    return await work()
  } finally {
    hurrying--
    await settle()
  }
}

/**
 * @param wanted the priority, asked for at each try
 * @returns the priority before; undefined when nothing changed, because the system does not allow it or there is no such session
 */
async function setSessionPriority(leader: number, wanted: () => number, withinMs: number): Promise<number | undefined> {
  const group = `/proc/${leader}/autogroup`
  const deadline = performance.now() + withinMs
  while (sessionOf(leader) === leader)
    try {
      const before = /nice (-?\d+)/.exec(await readFile(group, 'utf8'))?.[1]
      if (before === undefined || Number(before) === wanted()) return undefined
      await writeFile(group, String(wanted()))
      return Number(before)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || performance.now() > deadline) return undefined
      await sleep(50 + Math.random() * 100)
    }
  return undefined
}
