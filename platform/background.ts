import { constants, setPriority } from 'node:os'

/**
 * Lowers this process's priority, so that processes that serve people run first when cores are short. For background work that takes
 * minutes. On Linux this affects only the main thread. If the system forbids it, nothing changes.
 */
export function giveWay(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // the work goes on with normal priority
  }
}
