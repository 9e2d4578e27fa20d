import type { Knex } from 'knex'
import { OperatorError } from '../operator-error.ts'
import { BOOKKEEPING, TABLE } from './bookkeeping.ts'

/** The migrations that made the tables before the first release. */
export const STEPS = [
  ...['001_log', '002_projections', '003_append', '011_tasks', '012_reactors', '013_limits', '016_conversations', '017_counters'],
  ...['020_relay', '021_snapshots', '022_stories', '023_media', '024_door', '025_ops', '026_timeline', '029_living_owners'],
].map((name) => `${name}.sql`)

/** The files that make the same tables. */
const FILES = ['001_log.sql', '002_consumers.sql', '003_kafka.sql', '004_services.sql']

/**
 * Replaces the steps in the list of applied migrations by the files that make the same tables.
 * @throws OperatorError when some of the steps were never applied
 */
export async function squash(db: Knex): Promise<void> {
  const list = `${BOOKKEEPING}.${TABLE}`
  const { rows } = await db.raw(`select name from ${list}`)
  const applied = new Set((rows as { name: string }[]).map(({ name }) => name))
  // Only the first step made this table, and its file has the name of one of today's.
  const { rows: tables } = await db.raw(`select from pg_class where oid = to_regclass('log.streams')`)
  if (!applied.has(STEPS[1]!) && tables.length === 0) return
  const lacking = STEPS.filter((step) => !applied.has(step))
  if (lacking.length > 0)
    throw new OperatorError(
      `the tables of the database are from before the first release, and lack ${lacking.join(', ')}: run the setup of a version that has these first`,
    )
  await db.transaction(async (tx) => {
    await tx.raw(`delete from ${list} where name = any (?)`, [STEPS])
    await tx.raw(`insert into ${list} (name, batch, migration_time) select n, 1, now() from unnest(?::text[]) n`, [FILES])
  })
}
