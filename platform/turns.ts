/** Runs work, so much of it at a time; the rest waits in line. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>

export function turns(atOnce: number): Turns {
  const line: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running < atOnce) running++
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
