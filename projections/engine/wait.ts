import { within } from '#platform/deadline.ts'
import type { Place } from '#platform/log/port.ts'
import { INCARNATION } from '#platform/pg/incarnation.ts'
import type { Listener } from '#platform/pg/listen.ts'
import type { Db } from '#platform/pg/pool.ts'
import type { View } from './view.ts'

/** A point in time, to find out later whether the database server has crashed since. */
export interface Mark {
  changes: number
  incarnation: string | undefined
}

/** Tracks how far the views have come. It learns that from notifications, so `shows` needs no query. */
export interface Waiter {
  /** Whether the views are known to have applied everything up to these places (topic, partition and position of an event). */
  shows(views: readonly string[], places: readonly Place[]): boolean
  /**
   * Waits until the views have applied everything up to these places. A view ignores places in topics that it does not follow.
   *
   * @returns false when that took longer than `timeoutMs`
   */
  visible(views: readonly string[], places: readonly Place[], timeoutMs?: number): Promise<boolean>
  /** Call it before `visible` or `shows`; see `holds`. */
  mark(): Mark
  /**
   * Whether all reads since the mark came from one incarnation of the server (from its start to its crash or stop), so that they
   * include what the views were known to show.
   *
   * @param isKnown whether anything was known; if so, and a connection pooler stands between, this queries the server
   */
  holds(mark: Mark, isKnown: boolean): boolean | Promise<boolean>
  /**
   * After a crash of the server, resolves when these views show everything in the log again, or after a few seconds. Undefined
   * when there was no recent crash.
   */
  recovered(views: readonly string[]): Promise<void> | undefined
  close(): void
}

/** Interval of queries while anyone waits, in case a notification was lost. */
const SAFETY_NET_MS = 250
/**
 * Projectors were measured to be back within 3 s of a crash. After this time, requests are answered from the views as they are.
 */
const RECOVERY_MS = 5_000

/** Checkpoints together with the incarnation that they belong to, in one statement. */
const POSITIONS = `
  select ${INCARNATION} as incarnation, c.consumer, c.topic, c.partition, c.pos
    from (select) one left join log.checkpoints c on c.consumer = any ($1)`
/** The end of the log in each partition of the views' topics. */
const HEADS = `
  select c.topic, c.partition, (select coalesce(max(e.pos), 0) from log.events e where e.topic = c.topic and e.partition = c.partition) as pos
    from (select distinct topic, partition from log.checkpoints where consumer = any ($1)) c`

/**
 * One per process: all waits share its knowledge of the checkpoints (P5).
 *
 * Views commit lazily, so a crash of the server can take checkpoints back. The known checkpoints therefore belong to one
 * incarnation of the server. They are forgotten as soon as any connection of the pool meets another incarnation, even if the
 * listening connection has not noticed the crash.
 */
export function openWaiter(db: Pick<Db, 'query' | 'incarnations'>, listener: Listener, views: readonly View[]): Waiter {
  const { incarnations } = db
  const topicOf = new Map(views.map((view) => [view.name, view.topic.name]))
  /** Incarnation of the known checkpoints; undefined while none are known. */
  let incarnation: string | undefined
  const known = new Map<string, number>()
  /** Callbacks for when a checkpoint rises. */
  const waiting = new Map<string, Set<() => void>>()
  let safetyNet: NodeJS.Timeout | undefined
  let retry: NodeJS.Timeout | undefined
  let recovery: { until: number; places: Promise<Place[]> } | undefined
  let isLooking = false
  let isWanted = false
  let isClosed = false

  const keyOf = (view: string, topic: string, partition: number | string) => `${view} ${topic} ${partition}`

  const learn = (key: string, pos: number) => {
    if (pos <= (known.get(key) ?? 0)) return
    known.set(key, pos)
    for (const look of waiting.get(key) ?? []) look()
  }

  const forget = () => {
    incarnation = undefined
    known.clear()
  }

  const refresh = async () => {
    const before = incarnations.changes()
    const rows = await db.query<Place & { incarnation: string; consumer: string | null }>('checkpoints.positions', POSITIONS, [
      [...topicOf.keys()],
    ])
    // Another connection has met a new incarnation meanwhile, so this answer may be from the former one.
    if (incarnations.changes() !== before) return look()
    const answering = rows[0]!.incarnation
    if (answering !== incarnation) forget()
    incarnation = answering
    for (const { consumer, topic, partition, pos } of rows) if (consumer !== null) learn(keyOf(consumer, topic, partition), pos)
  }

  /** Runs one query at a time. A failed one is repeated after a short wait. */
  function look() {
    isWanted = isLooking
    if (isLooking || isClosed) return
    isLooking = true
    clearTimeout(retry)
    refresh()
      .catch(() => {
        retry = setTimeout(look, SAFETY_NET_MS).unref()
      })
      .finally(() => {
        isLooking = false
        if (isWanted) look()
      })
  }

  const headsOf = async (until: number): Promise<Place[]> => {
    for (;;) {
      try {
        return await db.query<Place>('checkpoints.heads', HEADS, [[...topicOf.keys()]])
      } catch {
        if (isClosed || performance.now() > until) return []
        await new Promise((resolve) => setTimeout(resolve, SAFETY_NET_MS))
      }
    }
  }

  const stopWatching = incarnations.onChange(() => {
    forget()
    look()
    const until = performance.now() + RECOVERY_MS
    recovery = { until, places: headsOf(until) }
  })

  const stopListening = listener.on('checkpoints', (payload, of) => {
    // From an incarnation that the pool has not met, or that has ended.
    if (payload === undefined || of !== incarnation) return look()
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

  const visible: Waiter['visible'] = (names, places, timeoutMs = 2_000) => {
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
  }

  /**
   * Also sound behind a pooler: incarnations follow one another, so two equal answers prove that one incarnation
   * lasted from the first to the second.
   */
  async function isStill(then: string | undefined): Promise<boolean> {
    if (then === undefined) return false
    const [now] = await db.query<{ incarnation: string }>('incarnation', `select ${INCARNATION} as incarnation`)
    return now!.incarnation === then && incarnation === then
  }

  async function recover({ until, places }: NonNullable<typeof recovery>, names: readonly string[]) {
    const found = await within(until - performance.now(), places, () => [])
    await visible(names, found, until - performance.now())
  }

  return {
    shows: (names, places) => haveReached(wantedOf(names, places)),
    visible,
    mark: () => ({ changes: incarnations.changes(), incarnation }),
    holds: (mark, isKnown) =>
      incarnations.changes() === mark.changes && (!isKnown || incarnations.areDirect() || isStill(mark.incarnation)),
    recovered(names) {
      if (recovery && performance.now() > recovery.until) recovery = undefined
      return recovery && recover(recovery, names)
    },
    close() {
      isClosed = true
      stopListening()
      stopWatching()
      clearInterval(safetyNet)
      clearTimeout(retry)
    },
  }
}
