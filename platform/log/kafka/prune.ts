import { type KeepingOptions, keeping } from '../postgres/keeping.ts'

/** Only events that Kafka has, and never the newest event, because new positions continue from it. */
const OLD = `
  select e.pos, e.stream, e.version from log.events e, log.relay r
   where e.pos > $1 and e.pos < r.pos and e.time < $2 order by e.pos limit $3`
/** A snapshot by another version of the decider does not count: the state may be folded again. `$4` kinds, `$5` versions. */
const COVERED = `
  s.stream = o.stream and s.version >= o.version and exists (
    select from unnest($4::text[], $5::int[]) d(kind, version)
     where d.kind = split_part(s.stream, '-', 1) and d.version = s.state_version)`
const UNKEPT = `
  with old as (${OLD})
  select (select max(pos) from old) as last, (select count(*) from old) as count, array(
    select distinct o.stream from old o where not exists (select from log.snapshots s where ${COVERED})) as streams`
const REMOVE = `
  with old as (${OLD})
  , gone as (delete from log.events e using old o, log.snapshots s where e.pos = o.pos and ${COVERED} returning 1)
  update log.timeline set pruned = true where not pruned and exists (select from gone)`

const PORTION = 5_000

export interface PruneOptions extends KeepingOptions {
  /** Milliseconds since the epoch. */
  olderThan: number
  isStopped?(): boolean
}

/**
 * Removes events that have been published and are older than `olderThan` from the database, a portion at a time. Stores snapshots
 * of their streams first: only events that a snapshot covers are removed.
 */
export async function pruneRelayed({ olderThan, isStopped = () => false, ...keepingOptions }: PruneOptions): Promise<void> {
  const { db, deciders } = keepingOptions
  const keep = keeping(keepingOptions)
  const versions = [deciders.map(({ stream }) => stream.kind), deciders.map(({ stateVersion }) => stateVersion)]
  for (let from: number | null = 0; from !== null && !isStopped(); ) {
    const old: unknown[] = [from, olderThan, PORTION, ...versions]
    const found: { last: number; count: number; streams: string[] }[] = await db.query('relay.unkept', UNKEPT, old)
    const { last, count, streams } = found[0]!
    if (streams.length > 0) await keep(streams)
    if (count > 0) await db.query('relay.prune', REMOVE, old)
    from = count < PORTION ? null : last
  }
}
