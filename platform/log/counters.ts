import type { Queryable } from '../pg/pool.ts'

/** What a counter stands at: to tell somebody early, never to rely on. The append alone keeps to a bound. */
export async function counterAt(db: Queryable, name: string): Promise<number> {
  const [counter] = await db.query<{ value: number }>('log.counter', 'select value from log.counters where name = $1', [name])
  return counter?.value ?? 0
}
