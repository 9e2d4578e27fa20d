import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Recorded } from '#events/kit/envelope.ts'
import type { Reader } from '#platform/log/port.ts'
import { codeOf } from '#platform/pg/errors.ts'
import type { Db } from '#platform/pg/pool.ts'
import { applier } from './apply.ts'
import { redriveIn } from './letters.ts'
import { loadReplay, SNAPSHOT, sizeOf, standing, transaction } from './load.ts'
import { type Meter, meter, type Progress } from './progress.ts'
import { cannotApply } from './replay.ts'
import { swap } from './swap.ts'
import { columnsOf, indexing, liveOf, nextOf } from './table.ts'
import type { View } from './view.ts'

export interface RebuildOptions {
  db: Db
  reader: Reader
  onProgress?(progress: Progress): void
  /** Wait while the view is being rebuilt by somebody else, instead of refusing. */
  queue?: boolean
  /** Asked once it is our turn: whether there still is something to do. */
  needed?(): Promise<boolean>
}

export interface Rebuilt {
  /** Events read from the log, and the rows they made. */
  events: number
  rows: number
  tookMs: number
  /** Events that were parked and are applied now, and those that stay parked. */
  redriven: number
  parked: number
}

/** The view is being rebuilt by somebody else. */
export class RebuildRefused extends Error {
  constructor(view: View) {
    super(`view ${view.name} is being rebuilt already`)
    this.name = 'RebuildRefused'
  }
}

/** The view was rebuilt but could not be swapped in; the live one is as it was. */
export class SwapRefused extends Error {
  constructor(view: View, cause: unknown) {
    super(`view ${view.name} was rebuilt, but its table is held by somebody for so long that it could not be swapped in`, {
      cause,
    })
    this.name = 'SwapRefused'
  }
}

/**
 * Builds a view anew from the log beside the live one, then swaps it in. Live reads and live application go on meanwhile.
 *
 * An event that cannot be applied stops it and leaves the live view as it was, unless the event's stream is parked in the live
 * view already: such streams are left out, then redriven into the new rows, and stay parked if they fail again.
 * What was skipped stays skipped.
 *
 * @returns undefined when `needed` said no
 * @throws ReplayStopped for an event that cannot be applied, RebuildRefused while another rebuild of the view runs,
 *   SwapRefused when a long transaction holds the live table
 */
export function rebuild(view: View, options: RebuildOptions): Promise<Rebuilt | undefined> {
  return exclusively(view, options, async (client) => {
    const progress = meter(options.onProgress)
    const rows = await load(client, view, options.reader, progress)
    progress.phase('redrive')
    const { redriven, parked } = await redriveParked(options.db, view)
    progress.phase('catch up')
    const catchUp = await chaser(options.db, options.reader, view, progress)
    // Up to where the log ends just then: as long as people write there would always be some more. The second time is the shorter.
    for (let time = 1; time <= 2; time++) await catchUp(Math.max(0, ...(await options.reader.heads(view.topic)).values()))
    await refuseNewFailures(options.db, view)
    progress.phase('swap')
    await retrying(view, () => swap(client, view, catchUp))
    return { rows, redriven, parked, ...progress.done() }
  })
}

/** One rebuild of a view at a time, on any machine; the lock goes with the connection, so a crash leaves none. */
function exclusively<T>(
  view: View,
  { db, queue, needed }: RebuildOptions,
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
      return !needed || (await needed()) ? await work(client) : undefined
    } finally {
      await client.query('select pg_advisory_unlock(hashtextextended($1, 0))', key).catch(() => {})
    }
  })
}

/**
 * Folds the log into the next table, up to what the log holds now; its checkpoints and dead letters come with it.
 * All in the transaction that creates the table: then Postgres need not log the rows, and a crash leaves nothing behind.
 */
const load = (client: pg.PoolClient, view: View, reader: Reader, progress: Meter) =>
  transaction(client, SNAPSHOT, async () => {
    const live = liveOf(view)
    const next = nextOf(view)
    await client.query(`drop table if exists ${next.table}`)
    await client.query('delete from log.checkpoints where consumer = $1', [next.consumer])
    await client.query('delete from log.dead_letters where consumer = $1', [next.consumer])
    await client.query(`create table ${next.table} (${columnsOf(view)})`)

    const { positions, parkedFrom, skipped } = await standing(client, view)
    const heads = await reader.heads(view.topic)
    progress.expect(await sizeOf(reader, view))

    // Events of parked streams that the live view has not come to yet; those it has are dead letters already.
    const late = new Map<number, Recorded>()
    const leaveOut = (recorded: Recorded) => {
      if (skipped.has(recorded.pos)) return true
      const from = parkedFrom.get(recorded.stream)
      if (from === undefined || recorded.pos < from) return false
      if (recorded.pos > (positions.get(recorded.partition) ?? 0)) late.set(recorded.pos, recorded)
      return true
    }
    const rows = await loadReplay(client, next.table, { view, reader, upTo: heads, leaveOut, onRead: progress.read })

    progress.phase('index')
    for (const statement of indexing(next)) await client.query(statement)
    await client.query(
      'insert into log.checkpoints (consumer, topic, partition, pos) select $1, $2, * from unnest($3::int[], $4::bigint[])',
      [next.consumer, view.topic.name, [...heads.keys()], [...heads.values()]],
    )
    await client.query(
      `insert into log.dead_letters select $2, topic, partition, stream, pos, event, state, cause, at
         from log.dead_letters where consumer = $1 and state <> 'skipped'`,
      [live.consumer, next.consumer],
    )
    await client.query(
      `insert into log.dead_letters (consumer, topic, partition, stream, pos, event, state)
       select $1, $2, (e ->> 'partition')::int, e ->> 'stream', (e ->> 'pos')::bigint, e, 'waiting' from json_array_elements($3) a(e)`,
      [next.consumer, view.topic.name, JSON.stringify([...late.values()])],
    )
    return rows
  })

async function redriveParked(db: Db, view: View) {
  const next = nextOf(view)
  const streams = await db.query<{ stream: string }>(
    'letters.streams',
    'select distinct stream from log.dead_letters where consumer = $1',
    [next.consumer],
  )
  const total = { redriven: 0, parked: 0 }
  for (const { stream } of streams) {
    const { applied, parked } = await redriveIn(db, next, stream)
    total.redriven += applied
    total.parked += parked
  }
  return total
}

const CHASE_BATCH = 2_000

/** Applies to the next table what the log got meanwhile, the way live application does, up to a position; call it again to go on. */
async function chaser(db: Db, reader: Reader, view: View, progress: Meter) {
  const { resume, handle } = applier(db, nextOf(view))
  const at = new Map(await resume(Array.from({ length: view.topic.partitions }, (_, partition) => partition)))
  return async (upTo: number) => {
    for (;;) {
      const batch = await reader.read({ topic: view.topic.name, after: at, upTo, limit: CHASE_BATCH })
      if (batch.length === 0) return
      await handle(batch)
      for (const { partition, pos } of batch) at.set(partition, pos)
      progress.read(batch.length)
    }
  }
}

/** While catching up, too, a rebuild parks only what the live view has parked. */
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

/** About a minute: what holds the table that long is not just passing by. */
const SWAP_TRIES = 200

/** Tries again while readers or the owner hold what the swap needs; in between they go on. */
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
