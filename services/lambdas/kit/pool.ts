/** Runs `work` for each item, at most `most` at a time; results are in the order of the items. */
export async function pooled<T, R>(items: readonly T[], most: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length)
  const rest = items.entries()
  const workers = Array.from({ length: Math.min(most, items.length) }, async () => {
    for (const [index, item] of rest) results[index] = await work(item)
  })
  await Promise.all(workers)
  return results
}
