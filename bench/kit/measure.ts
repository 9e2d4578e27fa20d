import { collectGarbage } from '../../platform/heap.ts'

export const median = (values: readonly number[]): number => percentile(values, 0.5)

/**
 * @param part 0.99 for p99
 */
export function percentile(values: readonly number[], part: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

/**
 * Runs contestants alternately, so that disturbances affect all of them. Garbage is collected before each run, so that no contestant
 * pays for another's. An additional first round is not counted: it warms up.
 * @returns results of each round, by contestant
 */
export async function inTurn<R extends object>(
  rounds: number,
  contestants: { [K in keyof R]: () => Promise<R[K]> },
): Promise<{ [K in keyof R]: R[K][] }> {
  const names = Object.keys(contestants) as (keyof R)[]
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as { [K in keyof R]: R[K][] }
  for (let round = 0; round <= rounds; round++)
    for (const name of names) {
      collectGarbage()
      const result = await contestants[name]()
      if (round > 0) results[name].push(result)
    }
  return results
}

export const medians = <K extends string | number>(results: Record<K, number[]>): Record<K, number> =>
  Object.fromEntries(Object.entries<number[]>(results).map(([name, values]) => [name, median(values)])) as Record<K, number>

/**
 * Runs `count` callers for `ms`; each calls `work` again as soon as it is done.
 * @returns duration of each call in ms, and calls per second
 */
export async function callers(
  count: number,
  ms: number,
  work: (n: number) => Promise<unknown>,
): Promise<{ tookMs: number[]; perSecond: number }> {
  const tookMs: number[] = []
  const from = performance.now()
  let n = 0
  const caller = async () => {
    for (let at = performance.now(); at - from < ms; ) {
      await work(n++)
      const now = performance.now()
      tookMs.push(now - at)
      at = now
    }
  }
  await Promise.all(Array.from({ length: count }, caller))
  return { tookMs, perSecond: (tookMs.length * 1000) / (performance.now() - from) }
}

/** Duration in ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}
