import type { Queryable } from '#platform/pg/pool.ts'

/** Only what Kafka has, and never the newest event: positions go on from it. */
const OLD = `
  select e.pos, e.stream, e.version from log.events e, log.relay r
   where e.pos > $1 and e.pos < r.pos and e.time < $2 order by e.pos limit $3`
const UNKEPT = `
  with old as (${OLD})
  select (select max(pos) from old) as last, array(
    select distinct o.stream from old o
     where not exists (select from log.snapshots s where s.stream = o.stream and s.version >= o.version)) as streams`
const REMOVE = `
  with old as (${OLD})
  delete from log.events e using old o, log.snapshots s
   where e.pos = o.pos and s.stream = o.stream and s.version >= o.version`

const PORTION = 5_000

export interface PruneOptions {
  /** Milliseconds since the epoch. */
  olderThan: number
  /** Keeps the states of streams: only events that are in one may go. */
  keep(streams: string[]): Promise<void>
  isStopped?(): boolean
}

/** Removes events from the log that have been published and are older than the policy says, a portion at a time. */
export async function pruneRelayed(db: Queryable, { olderThan, keep, isStopped = () => false }: PruneOptions): Promise<void> {
  let from: number | null = 0
  while (from !== null && !isStopped()) {
    const old: unknown[] = [from, olderThan, PORTION]
    const found: { last: number | null; streams: string[] }[] = await db.query('relay.unkept', UNKEPT, old)
    const { last, streams } = found[0]!
    if (streams.length > 0) await keep(streams)
    await db.query('relay.prune', REMOVE, old)
    from = last
  }
}
