import type { Queryable } from '#platform/pg/pool.ts'
import { cutOff } from './cut.ts'
import type { Pause } from './state.ts'

/** Another process that runs consumers and gives no sign of life. */
export interface Silent {
  id: string
  service: string
  host: string
  pid: number
  /** How long its beats and its checkpoints have stood still, as this process saw them. */
  silentMs: number
}

/** A frozen process whose connections were ended, so that it lost its consumers. */
export interface Relieved extends Silent {
  /** Number of connections that were ended. */
  cut: number
}

export interface WatchOptions {
  db: Queryable
  /** This process, and its service. */
  id: string
  service: string
  silentMs?: number
  now?: () => number
  /** Called when a frozen process of the same service lost its consumers: another process of the service takes them over. */
  onRelieved?(owner: Relieved): void
  /** Called when a process is frozen and no other process of its service lives; once each time it freezes. */
  onFrozen?(owner: Silent): void
}

export interface Watch {
  /** Looks once at the other processes, and cuts off frozen ones of the same service. To be called about every two seconds. */
  look(): Promise<void>
  /** Whether another process can take over: at the last look it lived, and it does not leave the consumer to other code. */
  hasPeer(consumer: string, topic: string): boolean
}

interface Row {
  id: string
  service: string
  host: string
  pid: number
  /** When it last beat. */
  beat: string
  /** When one of its checkpoints last moved. */
  moved: number
  paused: string
}

/** Five missed beats. With the time between two looks, a frozen process loses its consumers within 15 s. */
const SILENT_MS = 10_000
/** Two looks further apart than this do not prove silence: this process was frozen itself, or the database was away. */
const GAP_MS = 5_000

const LOOK = `
  select o.id, o.service, o.host, o.pid, o.paused, o.beat_at::text as beat,
         coalesce(extract(epoch from greatest((select max(moved_at) from log.checkpoints where owner = o.id),
                                              (select max(moved_at) from log.relay where owner = o.id))), 0)::float8 as moved
    from log.living_owners o where o.id <> $1`

/** What was seen of one process, and since when it has shown no sign of life. */
interface Seen extends Pick<Row, 'beat' | 'moved'> {
  since: number
  isTold: boolean
}

/**
 * Beats and moved checkpoints are signs of life. A frozen process loses its checkpoints one by one to others, so an earlier time of
 * the last move is none.
 */
const showsLife = (row: Row, seen: Seen) => row.beat !== seen.beat || row.moved > seen.moved

/** Watches the other processes that run consumers, and cuts off frozen ones of the same service, so that others can take over. */
export function watchOwners({
  db,
  id,
  service,
  silentMs = SILENT_MS,
  now = () => performance.now(),
  ...told
}: WatchOptions): Watch {
  const seen = new Map<string, Seen>()
  let lookedAt = now()
  /** The pauses of each other living process of the same service. */
  let peers: Record<string, Pause>[] = []

  async function relieve(owner: Silent) {
    const cut = await cutOff(db, owner.id, silentMs * 0.8)
    if (cut > 0) told.onRelieved?.({ ...owner, cut })
  }

  return {
    hasPeer: (consumer, topic) => peers.some((paused) => !paused[`${consumer} ${topic}`]?.isLeft),
    async look() {
      const rows = await db.query<Row>('owners.look', LOOK, [id])
      const at = now()
      if (at - lookedAt > GAP_MS) seen.clear()
      lookedAt = at
      for (const gone of [...seen.keys()].filter((one) => !rows.some((row) => row.id === one))) seen.delete(gone)
      for (const row of rows) {
        const before = seen.get(row.id)
        if (!before || showsLife(row, before)) seen.set(row.id, { beat: row.beat, moved: row.moved, since: at, isTold: false })
      }
      const isSilent = (one: Row) => at - seen.get(one.id)!.since >= silentMs
      const living = rows.filter((one) => !isSilent(one))
      peers = living.filter((one) => one.service === service).map(({ paused }) => JSON.parse(paused))
      for (const { beat: _, moved: __, paused: ___, ...row } of rows.filter(isSilent)) {
        const memory = seen.get(row.id)!
        const owner = { ...row, silentMs: Math.round(at - memory.since) }
        if (row.service === service) await relieve(owner)
        else if (!memory.isTold && !living.some((one) => one.service === row.service)) {
          memory.isTold = true
          told.onFrozen?.(owner)
        }
      }
    },
  }
}
