/** Runs work, so much of it at a time; the rest waits in line, in the order of its coming. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>

/**
 * @param mostWaiting how many may wait in line
 * @param full what is thrown at who comes when the line is full
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
      // Who is next takes the place over, so that nobody slips in between.
      const next = line.shift()
      if (next) next()
      else running--
    }
  }
}
