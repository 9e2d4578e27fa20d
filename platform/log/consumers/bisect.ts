/**
 * Runs `attempt` on all items, in order. If it fails because of an item, the items are halved until the bad one is alone; that one
 * goes to `refused`. Other errors are rethrown.
 */
export async function bisect<T>(
  items: T[],
  {
    attempt,
    refused,
    isFault,
  }: {
    attempt(items: T[]): Promise<void>
    refused(item: T, cause: Error): Promise<void>
    isFault(error: unknown): boolean
  },
): Promise<void> {
  try {
    await attempt(items)
  } catch (error) {
    if (!isFault(error)) throw error
    if (items.length === 1) return refused(items[0]!, error as Error)
    const half = items.length >> 1
    await bisect(items.slice(0, half), { attempt, refused, isFault })
    await bisect(items.slice(half), { attempt, refused, isFault })
  }
}
