import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Recorded } from '#events/kit/envelope.ts'
import { inForeground } from '#platform/background.ts'
import type { Place, Reader } from '#platform/log/port.ts'
import { OperatorError } from '#platform/operator-error.ts'
import { withLowPriority } from '#platform/pg/backend.ts'
import { codeOf } from '#platform/pg/errors.ts'
import { type Db, inTransaction } from '#platform/pg/pool.ts'
import { span } from '#platform/telemetry/tracing/tracing.ts'
import { applier } from './apply.ts'
import { loadReplay, SNAPSHOT, sizeOf, standing, transaction } from './load.ts'
import type { Source } from './loads.ts'
import { goOnUnless, type Meter, meter, type Progress } from './progress.ts'
import { ownReading, type Reading } from './reading.ts'
import { redriveIn } from './redrive.ts'
import { cannotApply } from './replay-stopped.ts'
import { swap } from './swap.ts'
import { columnDefinitions, indexing, liveOf, nextOf } from './table.ts'
import { liveVersion } from './versions.ts'
import type { View } from './view.ts'

/** What rebuilds of several views share. */
export interface Shared {
  /** Reads the history for all of them at once. Without it the view has a reading of its own. */
  reading?: Reading | undefined
  /** Called once this rebuild holds the view's lock; it goes on when the promise resolves. */
  onLocked?: (() => Promise<void>) | undefined
}

export interface RebuildOptions extends Shared, Source {
  db: Db
  onProgress?(progress: Progress): void
  /** While another process rebuilds the view, wait instead of refusing. */
  queue?: boolean
  /** Ends the rebuild before the swap; then nothing has changed. */
  signal?: AbortSignal | undefined
  /** Called once this rebuild holds the lock: whether there is still something to do. */
  needed?(): Promise<boolean>
  /** Allows this code to replace a live view of a newer version. Must be this code's version. */
  downTo?: number | undefined
  /** Never pauses, also while people are served. */
  fullSpeed?: boolean | undefined
}

export interface Rebuilt {
  /** Events read from the log, and the rows they made. */
  events: number
  rows: number
  tookMs: number
  /** Formerly parked events that are applied now, and those that stay parked. */
  redriven: number
  parked: number
}

/** Another process is rebuilding the view. */
export class RebuildRefused extends Error {
  constructor(view: View) {
    super(`view ${view.name} is being rebuilt already`)
    this.name = 'RebuildRefused'
  }
}

/** The live view has a newer version, and processes with that code need it. */
export class OlderCode extends OperatorError {
  constructor({ name, version }: View, live: number) {
    super(
      `view ${name} is live in version ${live}; this code knows version ${version} and would replace it by an older one. ` +
        `Rebuild with the newer code, or first stop all processes of the newer code, then add --down-to ${version}`,
    )
    this.name = 'OlderCode'
  }
}

/** The view was rebuilt but could not be swapped in. The live view is unchanged. */
export class SwapRefused extends Error {
  constructor(view: View, cause: unknown) {
    super(`view ${view.name} was rebuilt but not swapped in: another session held its table for too long`, {
      cause,
    })
    this.name = 'SwapRefused'
  }
}

/**
 * Builds a view again from the log, beside the live one, then swaps it in. Meanwhile the live view is read and updated as usual.
 *
 * An event that cannot be applied stops the rebuild and leaves the live view unchanged, unless its stream is parked in the
 * live view already. Parked streams are left out at first, then redriven into the new rows; they stay parked if they fail
 * again. Skipped events stay skipped.
 *
 * @returns undefined when `needed` returned false
 * @throws ReplayStopped for an event that cannot be applied
 * @throws RebuildRefused while another rebuild of the view runs
 * @throws OlderCode when the live view has a newer version
 * @throws SwapRefused when a long transaction holds the live table
 * @throws Cancelled when `signal` is aborted before the swap
 */
export function rebuild(view: View, options: RebuildOptions): Promise<Rebuilt | undefined> {
  return exclusively(view, options, (client) =>
    span(
      () => ({ name: `rebuild ${view.name}` }),
      () => build(client, view, options),
    ),
  )
}

async function build(client: pg.PoolClient, view: View, options: RebuildOptions): Promise<Rebuilt> {
  await refuseOlderCode(client, view, options.downTo)
  const reading = options.reading ?? ownReading(options)
  const progress = meter(options.onProgress, { signal: options.signal, pace: reading.pace })
  await client.query(SCHEMA)
  const rows = await withLowPriority(client, () => load(client, view, { reader: options.reader, reading }, progress))
  try {
    return await takeOver(client, view, options, { rows, progress })
  } catch (error) {
    await drop(client, view).catch(() => {})
    throw error
  }
}

/** All rebuilds of the view take one lock, which is held here, so no other swap can happen after this check. */
async function refuseOlderCode(client: pg.PoolClient, view: View, downTo?: number) {
  const live = await liveVersion(inTransaction(client), view)
  if (live !== undefined && live > view.version && downTo !== view.version) throw new OlderCode(view, live)
}

/** Catches the next table up with the log and swaps it in. */
async function takeOver(
  client: pg.PoolClient,
  view: View,
  { db, reader, signal }: RebuildOptions,
  { rows, progress }: { rows: number; progress: Meter },
): Promise<Rebuilt> {
  progress.phase('redrive')
  const { redriven, parked } = await redriveParked(db, view)
  progress.phase('catch up')
  const catchUp = await chaser(db, reader, view, progress)
  // Only up to the log's current end, which keeps moving while clients write. The second pass is the shorter one.
  for (let time = 1; time <= 2; time++) await catchUp(Math.max(0, ...(await reader.heads(view.topic)).values()))
  await refuseNewFailures(db, view)
  progress.phase('swap')
  // Requests wait for the table meanwhile, and the live owner for its checkpoints.
  await inForeground(() =>
    retrying(view, () => {
      goOnUnless(signal)
      return swap(client, view, catchUp)
    }),
  )
  return { rows, redriven, parked, ...progress.done() }
}

/** Removes all traces of a rebuild that was not swapped in. */
const drop = (client: pg.PoolClient, view: View) =>
  transaction(client, 'begin', async () => {
    const { table, consumer } = nextOf(view)
    await client.query(`drop table if exists ${table}`)
    await client.query('delete from log.checkpoints where consumer = $1', [consumer])
    await client.query('delete from log.dead_letters where consumer = $1', [consumer])
  })

/**
 * Allows one rebuild of a view at a time, on any machine. The advisory lock belongs to the connection, so a crash releases it.
 */
function exclusively<T>(
  view: View,
  { db, queue, needed, onLocked }: RebuildOptions,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T | undefined> {
  const key = [`rebuild ${view.name}`]
  return db.connection(async (client) => {
    if (queue) await client.query('select pg_advisory_lock(hashtextextended($1, 0))', key)
    else {
      const { rows } = await client.query('select pg_try_advisory_lock(hashtextextended($1, 0)) as got', key)
      if (!rows[0].got) throw new RebuildRefused(view)
    }
    try {
      await onLocked?.()
      return !needed || (await needed()) ? await work(client) : undefined
    } finally {
      await client.query('select pg_advisory_unlock(hashtextextended($1, 0))', key).catch(() => {})
    }
  })
}

/** Everything in the schema can be rebuilt, so an operator may drop it. `if not exists` would need a right that is not needed otherwise. */
const SCHEMA = `do $$ begin
  if to_regnamespace('views') is null then
    perform pg_advisory_xact_lock(hashtextextended('create schema views', 0));
    if to_regnamespace('views') is null then
      create schema views;
    end if;
  end if;
end $$`

/**
 * Folds the log up to its current end into the next table, and gives that table its checkpoints and parked events. All in the
 * transaction that creates the table: Postgres then need not log the rows, and a crash leaves nothing behind.
 */
const load = (client: pg.PoolClient, view: View, { reader, reading }: { reader: Reader; reading: Reading }, progress: Meter) =>
  transaction(client, SNAPSHOT, async () => {
    const live = liveOf(view)
    const next = nextOf(view)
    await client.query(`drop table if exists ${next.table}`)
    await client.query('delete from log.checkpoints where consumer = $1', [next.consumer])
    await client.query('delete from log.dead_letters where consumer = $1', [next.consumer])
    await client.query(`create table ${next.table} (${columnDefinitions(view)})`)

    const standsAt = await standing(client, view)
    const heads = await reader.heads(view.topic)
    progress.expect(await sizeOf(reader, view))

    // Events of parked streams beyond the live view's checkpoints. Those before them are in `log.dead_letters` already.
    const late: Place[] = []
    const rows = await loadReplay(client, next.table, {
      view,
      reading,
      upTo: heads,
      leaveOut: standsAt,
      onLeftOut(place) {
        const { partition, pos } = place
        if (!standsAt.skipped.has(pos) && pos > (standsAt.positions.get(partition) ?? 0)) late.push(place)
      },
      onRead: progress.read,
    })

    progress.phase('index')
    for (const statement of indexing(next, reading.endedPaced())) await client.query(statement)
    await client.query(
      'insert into log.checkpoints (consumer, topic, partition, pos) select $1, $2, * from unnest($3::int[], $4::bigint[])',
      [next.consumer, view.topic.name, [...heads.keys()], [...heads.values()]],
    )
    await client.query(
      `insert into log.dead_letters (consumer, topic, partition, stream, pos, event, state, cause, at, error, place, pattern, redriven)
       select $2, topic, partition, stream, pos, event, state, cause, at, error, place, pattern, redriven
         from log.dead_letters where consumer = $1 and state <> 'skipped'`,
      [live.consumer, next.consumer],
    )
    await client.query(
      `insert into log.dead_letters (consumer, topic, partition, stream, pos, event, state)
       select $1, $2, (e ->> 'partition')::int, e ->> 'stream', (e ->> 'pos')::bigint, e, 'waiting' from json_array_elements($3) a(e)`,
      [next.consumer, view.topic.name, JSON.stringify(await whole(reader, late))],
    )
    return rows
  })

/** The events at these places, with all fields. Several passes may have come to a place, so it may be there twice. */
async function whole(reader: Reader, places: readonly Place[]): Promise<Recorded[]> {
  const all: Recorded[] = []
  for (const { topic, partition, pos } of new Map(places.map((place) => [place.pos, place])).values()) {
    const [event] = await reader.read({ topic, after: new Map([[partition, pos - 1]]), upTo: pos, limit: 1, whole: true })
    if (!event) throw new Error(`the event at position ${pos} of ${topic} is gone`)
    all.push(event)
  }
  return all
}

async function redriveParked(db: Db, view: View) {
  const next = nextOf(view)
  const streams = await db.query<{ stream: string }>(
    'letters.streams',
    'select distinct stream from log.dead_letters where consumer = $1',
    [next.consumer],
  )
  const total = { redriven: 0, parked: 0 }
  for (const { stream } of streams) {
    const { applied, parked } = (await db.tx((tx) => redriveIn(tx, next, [stream], false))).get(stream)!
    total.redriven += applied
    total.parked += parked
  }
  return total
}

const CHASE_BATCH = 2_000

/**
 * Returns a function that applies new events to the next table, up to a position, as live consumption does. It
 * continues where its last call ended.
 */
async function chaser(db: Db, reader: Reader, view: View, progress: Meter) {
  const { resume, handle } = applier(db, nextOf(view))
  const at = new Map(await resume(Array.from({ length: view.topic.partitions }, (_, partition) => partition)))
  return async (upTo: number) => {
    while ([...at.values()].some((pos) => pos < upTo)) {
      const batch = await reader.read({ topic: view.topic.name, after: at, upTo, limit: CHASE_BATCH, whole: true })
      if (batch.length === 0) return
      await span(
        () => ({ name: `catch up ${view.name}`, attributes: { 'messaging.batch.message_count': batch.length } }),
        () => handle(batch),
      )
      for (const { partition, pos } of batch) at.set(partition, pos)
      progress.read(batch.length)
    }
  }
}

/** A rebuild must not park a stream that the live view has not parked, also while it catches up. */
async function refuseNewFailures(db: Db, view: View) {
  const [failed] = await db.query<{ event: string; cause: string }>(
    'letters.new',
    `select event, cause from log.dead_letters n where consumer = $2 and state = 'failed'
        and not exists (select from log.dead_letters l where l.consumer = $1 and l.stream = n.stream and l.state <> 'skipped')
      order by pos limit 1`,
    [liveOf(view).consumer, nextOf(view).consumer],
  )
  if (failed) throw cannotApply(view, JSON.parse(failed.event), failed.cause)
}

/** About a minute. A transaction that holds the table that long will not end soon. */
const SWAP_TRIES = 200

/** Tries again while readers or the owner hold a lock that the swap needs. They continue between two attempts. */
async function retrying(view: View, work: () => Promise<void>) {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      const busy = codeOf(error) === '55P03' || codeOf(error) === '40P01'
      if (!busy) throw error
      if (tries === SWAP_TRIES) throw new SwapRefused(view, error)
      await sleep(50 + Math.random() * 150)
    }
  }
}
