import type { Place } from '#platform/log/port.ts'
import type { Listener } from '#platform/pg/listen.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { View } from './view.ts'

/** Knows, without asking, how far the views have come. */
export interface Waiter {
  /** Whether it is known that the views have applied everything up to these places. */
  shows(views: readonly string[], places: readonly Place[]): boolean
  /**
   * Waits until the views have applied everything up to these places. Places in topics that a view does not follow do not concern it.
   * @returns false when that took longer than `timeoutMs`
   */
  visible(views: readonly string[], places: readonly Place[], timeoutMs?: number): Promise<boolean>
  close(): void
}

/** How often to look while somebody waits, should a wake-up have been lost. */
const SAFETY_NET_MS = 250

const POSITIONS = 'select consumer, topic, partition, pos from log.checkpoints where consumer = any ($1)'

/** One per process: every waiter shares its knowledge of the checkpoints (P5). */
export function openWaiter(db: Queryable, listener: Listener, views: readonly View[]): Waiter {
  const topicOf = new Map(views.map((view) => [view.name, view.topic.name]))
  const known = new Map<string, number>()
  /** What to call when the position of a checkpoint rises. */
  const waiting = new Map<string, Set<() => void>>()
  let safetyNet: NodeJS.Timeout | undefined

  const keyOf = (view: string, topic: string, partition: number | string) => `${view} ${topic} ${partition}`

  const learn = (key: string, pos: number) => {
    if (pos <= (known.get(key) ?? 0)) return
    known.set(key, pos)
    for (const look of waiting.get(key) ?? []) look()
  }

  const refresh = async () => {
    const rows = await db.query<Place & { consumer: string }>('checkpoints.positions', POSITIONS, [[...topicOf.keys()]])
    for (const { consumer, topic, partition, pos } of rows) learn(keyOf(consumer, topic, partition), pos)
  }

  /** A failed look is made up for by the next one. */
  const look = () => void refresh().catch(() => {})

  const stopListening = listener.on('checkpoints', (payload) => {
    if (payload === undefined) {
      // The database may have come back from a crash, with views a little older than we knew them.
      known.clear()
      return look()
    }
    const { consumer, topic, positions } = JSON.parse(payload) as {
      consumer: string
      topic: string
      positions: Record<string, number>
    }
    if (topicOf.get(consumer) !== topic) return
    for (const [partition, pos] of Object.entries(positions)) learn(keyOf(consumer, topic, partition), pos)
  })
  look()

  const subscribe = (keys: string[], callback: () => void) => {
    for (const key of keys) waiting.set(key, (waiting.get(key) ?? new Set()).add(callback))
    safetyNet ??= setInterval(look, SAFETY_NET_MS)
    return () => {
      for (const key of keys) {
        const set = waiting.get(key)!
        set.delete(callback)
        if (set.size === 0) waiting.delete(key)
      }
      if (waiting.size > 0) return
      clearInterval(safetyNet)
      safetyNet = undefined
    }
  }

  const wantedOf = (names: readonly string[], places: readonly Place[]) => {
    const wanted = new Map<string, number>()
    for (const view of names)
      for (const { topic, partition, pos } of places) {
        const key = keyOf(view, topic, partition)
        if (topicOf.get(view) === topic) wanted.set(key, Math.max(pos, wanted.get(key) ?? 0))
      }
    return wanted
  }
  const haveReached = (wanted: Map<string, number>) => [...wanted].every(([key, pos]) => (known.get(key) ?? 0) >= pos)

  return {
    shows: (names, places) => haveReached(wantedOf(names, places)),
    visible(names, places, timeoutMs = 2_000) {
      const wanted = wantedOf(names, places)
      const reached = () => haveReached(wanted)
      if (reached()) return Promise.resolve(true)
      return new Promise((resolve) => {
        const settle = (answer: boolean) => {
          clearTimeout(timer)
          unsubscribe()
          resolve(answer)
        }
        const unsubscribe = subscribe([...wanted.keys()], () => reached() && settle(true))
        const timer = setTimeout(() => settle(reached()), timeoutMs)
      })
    },
    close() {
      stopListening()
      clearInterval(safetyNet)
    },
  }
}
