/** Something at a place of the transcript, from 0 to 1. */
export interface Placed<T> {
  item: T
  at: number
}

/**
 * Chooses at most so many, fairly over the length: from each stretch its first before any second. What the model said first comes
 * first; the result is in order of place.
 */
export function chosen<T>(placed: readonly Placed<T>[], most: number): T[] {
  const stretches = Array.from({ length: most }, () => [] as Placed<T>[])
  for (const one of placed) stretches[Math.min(most - 1, Math.floor(one.at * most))]!.push(one)
  const taken: Placed<T>[] = []
  for (let round = 0; taken.length < Math.min(most, placed.length); round++)
    taken.push(...stretches.flatMap((stretch) => stretch[round] ?? []).slice(0, most - taken.length))
  return taken.sort((a, b) => a.at - b.at).map(({ item }) => item)
}
