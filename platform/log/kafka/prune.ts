import { type KeepingOptions, keeping } from '../postgres/keeping.ts'

/** Only what Kafka has, and never the newest event: positions go on from it. */
const OLD = `
  select e.pos, e.stream, e.version from log.events e, log.relay r
   where e.pos > $1 and e.pos < r.pos and e.time < $2 order by e.pos limit $3`
/** A snapshot that another version of the decider made holds nothing: that state may have to be folded anew. `$4` kinds, `$5` versions. */
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
  delete from log.events e using old o, log.snapshots s where e.pos = o.pos and ${COVERED}`

const PORTION = 5_000

export interface PruneOptions extends KeepingOptions {
  /** Milliseconds since the epoch. */
  olderThan: number
  isStopped?(): boolean
}

/**
 * Removes events from the log that have been published and are older than the policy says, a portion at a time. The states of
 * their streams are kept first: only events that are in one may go.
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
