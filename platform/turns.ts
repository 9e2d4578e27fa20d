/** Runs work with limited concurrency; further work waits, first come, first served. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>

/**
 * @param atOnce how many may run at the same time
 * @param mostWaiting how many may wait
 * @param full makes the error that is thrown when too many wait already
 */
export function turns(
  atOnce: number,
  mostWaiting = Number.POSITIVE_INFINITY,
  full: () => Error = () => new Error('full'),
): Turns {
  const line: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running < atOnce) running++
    else if (line.length >= mostWaiting) throw full()
    else await new Promise<void>((resolve) => line.push(resolve))
    try {
      return await work()
    } finally {
      // The next in line takes over this slot, so that a new caller cannot overtake it.
      const next = line.shift()
      if (next) next()
      else running--
    }
  }
}
