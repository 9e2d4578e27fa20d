/** An item with its place in the transcript, from 0 to 1. */
export interface Placed<T> {
  item: T
  at: number
}

/**
 * Chooses at most `most` items, spread evenly over the transcript: the first item of every stretch before any second. Within a
 * stretch, earlier items of the model win. The result is in order of place.
 */
export function chosen<T>(placed: readonly Placed<T>[], most: number): T[] {
  const stretches = Array.from({ length: most }, () => [] as Placed<T>[])
  for (const one of placed) stretches[Math.min(most - 1, Math.floor(one.at * most))]!.push(one)
  const taken: Placed<T>[] = []
  for (let round = 0; taken.length < Math.min(most, placed.length); round++)
    taken.push(...stretches.flatMap((stretch) => stretch[round] ?? []).slice(0, most - taken.length))
  return taken.sort((a, b) => a.at - b.at).map(({ item }) => item)
}
