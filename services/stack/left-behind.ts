import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { identity, until } from '#platform/processes.ts'
import { OperatorError } from '#platform/service.ts'

/** The parts of a running system by name, and their supervisor. `identity` names each process uniquely, even if a pid is reused. */
interface Written {
  supervisor: string
  parts: Record<string, string>
}

const fileIn = (data: string) => join(data, 'parts.json')

/** Time in which parts end by themselves after their supervisor is gone. */
const BY_THEMSELVES_MS = 8_000
const KILLED_MS = 5_000

/** Records the running processes, so that the next start finds those that have not ended. */
export function writeParts(data: string, pids: Record<string, number>): void {
  const parts = Object.fromEntries(
    Object.entries(pids).flatMap(([name, pid]) => {
      const one = identity(pid)
      return one === undefined ? [] : [[name, one]]
    }),
  )
  const unfinished = `${fileIn(data)}.${process.pid}`
  writeFileSync(unfinished, `${JSON.stringify({ supervisor: identity(process.pid)!, parts } satisfies Written)}\n`)
  renameSync(unfinished, fileIn(data))
}

/**
 * Makes sure that no part of an earlier start runs any more on this data folder: waits for parts to end, and kills those that do
 * not.
 * @param tell gets a sentence for each killed part
 * @throws OperatorError when a live supervisor runs on the folder, or a part cannot be ended
 */
export async function endLeftBehind(data: string, tell: (line: string) => void): Promise<void> {
  const written = read(data)
  if (!written) return
  // Two systems on one folder would share secrets, database and queues, and overwrite this file.
  if (runs(written.supervisor))
    throw new OperatorError(
      `VidWiz runs on ${data} already (process ${pidOf(written.supervisor)}): stop it first, or set VIDWIZ_DATA to another folder`,
    )
  const left = () => Object.entries(written.parts).filter(([, one]) => runs(one))
  if (await until(() => left().length === 0, BY_THEMSELVES_MS)) return
  for (const [name, one] of left()) {
    const pid = pidOf(one)
    tell(`${name} (process ${pid}) was left behind by a supervisor that is gone, and has not ended by itself: killing it`)
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended meanwhile, or belongs to another user: the check below tells which.
    }
  }
  if (await until(() => left().length === 0, KILLED_MS)) return
  const names = left().map(([name, one]) => `${name} (process ${pidOf(one)})`)
  throw new OperatorError(`${names.join(', ')} of an earlier start still runs on ${data} and could not be ended: end it first`)
}

const pidOf = (one: string) => Number(one.split('@')[0])
const runs = (one: string) => identity(pidOf(one)) === one

function read(data: string): Written | undefined {
  try {
    return JSON.parse(readFileSync(fileIn(data), 'utf8'))
  } catch {
    return undefined // never started, or cut short
  }
}
