import type { Look } from './look.ts'

/** Looks at the system periodically and shares each look: any number of watchers cost the database as much as one. */
export interface Sampler {
  /** The newest look; takes a new one if there is none yet, or if the last one is too old because nobody watched. */
  latest(): Promise<Look>
  /** Calls back with each new look. Returns a function that stops it. */
  watch(callback: (look: Look) => void): () => void
  /** Number of watchers. */
  subscribers(): number
  close(): void
}

/**
 * @param look should never reject: a part that cannot be read says so in its cell
 * @param everyMs from the end of one look to the start of the next
 */
export function openSampler(look: () => Promise<Look>, everyMs = 1_000): Sampler {
  const callbacks = new Set<(look: Look) => void>()
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<Look> | undefined
  let newest: { look: Look; takenAt: number } | undefined
  let isClosed = false

  const take = () => {
    looking ??= look()
      .then((taken) => {
        newest = { look: taken, takenAt: performance.now() }
        return taken
      })
      .finally(() => {
        looking = undefined
      })
    return looking
  }

  const goOn = async () => {
    timer = undefined
    // If a look fails after all, watchers see the last one age, and the next is taken as usual.
    const taken = await take().catch(() => undefined)
    if (taken) for (const callback of [...callbacks]) callback(taken)
    if (callbacks.size > 0 && !isClosed) timer ??= setTimeout(() => void goOn(), everyMs)
  }

  return {
    async latest() {
      return newest && performance.now() - newest.takenAt < everyMs ? newest.look : take()
    },
    watch(callback) {
      callbacks.add(callback)
      // A watcher that joins between two looks gets the last one at once.
      if (newest && performance.now() - newest.takenAt < everyMs) callback(newest.look)
      if (callbacks.size === 1) timer ??= setTimeout(() => void goOn(), 0)
      return () => {
        callbacks.delete(callback)
        if (callbacks.size > 0) return
        clearTimeout(timer)
        timer = undefined
      }
    },
    subscribers: () => callbacks.size,
    close() {
      isClosed = true
      clearTimeout(timer)
      callbacks.clear()
    },
  }
}
