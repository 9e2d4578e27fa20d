import { inspect } from 'node:util'
import { within } from '#platform/deadline.ts'
import { type Projector, type ProjectorOptions, startProjector } from '#projections/engine/projector.ts'

/** A group of Kafka takes seconds to begin on a busy machine; a request meanwhile may be told to come again. */
const BEGUN_MS = 45_000

/**
 * Starts a projector. Resolves when it follows all views.
 * @throws Error that names the views that are not followed, and what the projector met
 */
export async function startProjecting(options: Pick<ProjectorOptions, 'db' | 'reader' | 'views'>): Promise<Projector> {
  const missing = new Set(options.views.map(({ name }) => name))
  const errors: string[] = []
  const begun = Promise.withResolvers<void>()
  const projector = startProjector({
    ...options,
    onHeld({ name }, holder) {
      if (holder) return
      missing.delete(name)
      if (missing.size === 0) begun.resolve()
    },
    onError: ({ name }, error) => errors.push(`${name}: ${inspect(error)}`),
  })
  try {
    await within(BEGUN_MS, begun.promise, () => {
      throw new Error(`not followed after ${BEGUN_MS / 1000} s: ${[...missing].join(', ')}\n${errors.join('\n')}`)
    })
    return projector
  } catch (error) {
    await projector.stop()
    throw error
  }
}
