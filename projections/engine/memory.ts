import { LRUCache } from 'lru-cache'
import type { Reading, Row } from './fold.ts'
import { sizeOf } from './row-size.ts'
import type { Id, View } from './view.ts'

/** A view's rows as its owner last wrote them. While it owns the view, no other process writes them. */
export interface RowMemory {
  /** The remembered rows that a batch touches, and the ids of those that must be read. */
  recall(readings: readonly Reading[]): { known: Map<Id, Row>; unknown: Id[] }
  /** Remembers what was written. */
  learn(changed: ReadonlyMap<Id, Row | undefined>): void
  /** Call it when another process may have written. */
  forget(): void
}

/** Bounds of the memory. Bytes are limited too, since one row may hold megabytes of text. */
const MOST = 500
const MOST_BYTES = 4 * 2 ** 20
/** A batch with more rows clears the memory: reading its rows costs little per row, and they would evict all others. */
const MOST_OF_A_BATCH = 100

export function rowMemory(view: View): RowMemory {
  const rows = new LRUCache<Id, Row>({ max: MOST, maxSize: MOST_BYTES, sizeCalculation: sizeOf })
  return {
    recall(readings) {
      const known = new Map<Id, Row>()
      const unknown = new Set<Id>()
      const made = new Set<Id>()
      for (const reading of readings) {
        if (reading.cause !== undefined) continue
        const { id, event } = reading
        if (known.has(id) || unknown.has(id) || made.has(id)) continue
        const row = rows.get(id)
        if (row) known.set(id, row)
        else if (view.anew.has(event.type)) made.add(id)
        else unknown.add(id)
      }
      return { known, unknown: [...unknown] }
    },
    learn(changed) {
      if (changed.size > MOST_OF_A_BATCH) return rows.clear()
      for (const [id, row] of changed) row ? rows.set(id, row) : rows.delete(id)
    },
    forget: () => rows.clear(),
  }
}
