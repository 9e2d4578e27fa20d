import { expect } from 'chai'
import { openListener } from '#platform/pg/listen.ts'
import { openDb } from '#platform/pg/pool.ts'
import { compare, isClean } from '#projections/engine/compare.ts'
import { views } from '#projections/index.ts'
import { testReader } from './log.ts'

/** Compares every view of a running system with its replay (P6). */
export async function everyViewEqualsItsReplay(databaseUrl: string): Promise<void> {
  const db = openDb(databaseUrl, { max: 3 })
  const listener = openListener(databaseUrl)
  const reader = await testReader(databaseUrl, db, listener)
  try {
    for (const view of views) {
      const comparison = await compare(view, { db, reader })
      expect(isClean(comparison), `${view.name}: ${JSON.stringify(comparison)}`).to.equal(true)
    }
  } finally {
    await reader.close()
    await listener.close()
    await db.close()
  }
}
