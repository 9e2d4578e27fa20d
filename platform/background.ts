import { constants, setPriority } from 'node:os'

/**
 * Has this process give way to whoever serves people, where cores are short: for work of minutes that nobody waits for by the
 * millisecond. It takes as much as is left over. On Linux that is the main thread alone. Where the system forbids it, nothing
 * changes.
 */
export function giveWay(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // the work is the same, only ruder
  }
}
