import { type ReadingOptions, shareReading } from './reading.ts'
import type { Shared } from './rebuild.ts'
import type { View } from './view.ts'

/**
 * Rebuilds views so that the topic of several of them is read once. One that fails does not end the others. All views of a topic are
 * under way at the same time, and each holds a connection.
 *
 * @param rebuildOne rebuilds a view with these options
 * @returns for each topic, in order, what became of its views, as soon as that is known
 */
export async function* rebuildTogether<T>(
  views: readonly View[],
  ground: ReadingOptions,
  rebuildOne: (view: View, shared: Shared) => Promise<T>,
): AsyncGenerator<{ view: View; outcome: PromiseSettledResult<T> }[]> {
  for (const ofTopic of Map.groupBy(views, ({ topic }) => topic.name).values()) {
    const reading = shareReading(ground, ofTopic.length)
    const runs: Promise<T>[] = []
    const allLocked = Promise.withResolvers<void>()
    for (const view of ofTopic) {
      const locked = Promise.withResolvers<void>()
      // None begins its transaction before all have their locks: it would be open for as long as they wait.
      const onLocked = () => {
        locked.resolve()
        return allLocked.promise
      }
      const run = rebuildOne(view, { reading, onLocked }).finally(() => {
        locked.resolve()
        reading.leave(view)
      })
      run.catch(() => {})
      runs.push(run)
      // In the same order everywhere: otherwise two processes that rebuild the same views could wait for each other.
      await locked.promise
    }
    allLocked.resolve()
    const outcomes = await Promise.allSettled(runs)
    yield ofTopic.map((view, i) => ({ view, outcome: outcomes[i]! }))
  }
}
