import type { Queryable } from '../pg/pool.ts'

/** The present value of a counter, for an early hint only: it may be outdated, and only the append enforces a bound. */
export async function counterAt(db: Queryable, name: string): Promise<number> {
  const [counter] = await db.query<{ value: number }>('log.counter', 'select value from log.counters where name = $1', [name])
  return counter?.value ?? 0
}
