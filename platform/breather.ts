import { performance } from 'node:perf_hooks'
import { setImmediate as turn } from 'node:timers/promises'

/** How long other requests may have to wait. */
const TURN_MS = 8

/**
 * Returns a pause to await between the steps of long work: it yields to the event loop when the work has run for TURN_MS, so that
 * other requests can run. Before that it returns undefined, so that a step costs almost nothing.
 */
export function breather(): () => Promise<void> | undefined {
  let since = performance.now()
  const pause = async () => {
    await turn()
    since = performance.now()
  }
  return () => (performance.now() - since < TURN_MS ? undefined : pause())
}
