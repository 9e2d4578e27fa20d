import type { Listener } from '#platform/pg/listen.ts'
import type { Id, View } from './view.ts'

type Callback = () => void

/** Reports changes of views as they happen, without asking the database. */
export interface Changes {
  /**
   * Calls back after each commit that may have changed this row, and sometimes without a change.
   * Returns a function that stops it.
   */
  onRow(view: View, id: Id, callback: Callback): () => void
  /** Calls back after each commit that moved one of these views. Returns a function that stops it. */
  onMove(views: readonly View[], callback: Callback): () => void
  /** Number of subscriptions. */
  subscribers(): number
  close(): void
}

/** Interval at which all subscribers are called anyway: a dead connection that nobody has noticed loses wake-ups. */
const SAFETY_NET_MS = 10_000

/** Subscribers of a view: to single rows, or to the whole view. */
interface Watched {
  rows: Map<Id, Set<Callback>>
  all: Set<Callback>
}

/** One per process. Without subscribers it does not even listen. */
export function openChanges(listener: Listener, { safetyNetMs = SAFETY_NET_MS } = {}): Changes {
  const watched = new Map<string, Watched>()
  let subscribers = 0
  let stopListening: (() => void) | undefined
  let safetyNet: NodeJS.Timeout | undefined

  const callAll = ({ rows, all }: Watched) => {
    for (const callbacks of rows.values()) for (const callback of callbacks) callback()
    for (const callback of all) callback()
  }

  const lookAtAll = () => {
    for (const view of watched.values()) callAll(view)
  }

  const onMoved = (payload: string | undefined) => {
    if (payload === undefined) return lookAtAll()
    const { consumer, rows } = JSON.parse(payload) as { consumer: string; rows: Id[] | null }
    const view = watched.get(consumer)
    if (!view) return
    if (!rows) return callAll(view)
    for (const id of rows) for (const callback of view.rows.get(id) ?? []) callback()
    for (const callback of view.all) callback()
  }

  const of = ({ name }: View): Watched => {
    const known = watched.get(name) ?? { rows: new Map(), all: new Set() }
    watched.set(name, known)
    return known
  }

  const begin = () => {
    if (subscribers++ > 0) return
    stopListening = listener.on('checkpoints', onMoved)
    safetyNet = setInterval(lookAtAll, safetyNetMs)
  }

  const end = () => {
    if (--subscribers > 0) return
    stopListening?.()
    clearInterval(safetyNet)
  }

  return {
    onRow(view, id, callback) {
      begin()
      const { rows } = of(view)
      const callbacks = rows.get(id) ?? new Set()
      rows.set(id, callbacks.add(callback))
      return () => {
        if (!callbacks.delete(callback)) return
        // After its last subscriber left, the row may have got a new set.
        if (callbacks.size === 0 && rows.get(id) === callbacks) rows.delete(id)
        end()
      }
    },
    onMove(views, callback) {
      begin()
      const sets = views.map((view) => of(view).all)
      for (const set of sets) set.add(callback)
      return () => {
        const wasThere = sets.map((set) => set.delete(callback)).includes(true)
        if (wasThere) end()
      }
    },
    subscribers: () => subscribers,
    close() {
      stopListening?.()
      clearInterval(safetyNet)
      watched.clear()
    },
  }
}
