import { hostname } from 'node:os'
import { now } from '#platform/clock.ts'
import { Fenced, type Follower, HandedOver, NewerCode } from '#platform/log/port.ts'
import type { Listener } from '#platform/pg/listen.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { Spell } from '#platform/telemetry/spell.ts'
import { reason } from '../cause.ts'
import { ForeignRecord } from '../kafka/message.ts'
import { newId } from '../new-id.ts'
import { handingOver } from './handover.ts'
import { EXTEND_MILESTONES } from './milestones.ts'
import type { Pause } from './state.ts'
import { type WatchOptions, watchOwners } from './watch.ts'

/** Reports to other processes that this one lives, and which of its consumers are paused. */
export interface Owner {
  id: string
  /** Whether another process of the service can take the consumer over. */
  hasPeer(consumer: string, topic: string): boolean
  /** Reports at once that an error paused a consumer. Ignores errors of normal operation, such as being fenced. */
  paused(consumer: string, topic: string, error: unknown): void
  /** Reports that this process leaves a consumer to other code, and why: it cannot take over until it `follows` again. */
  leaves(consumer: string, topic: string, why: Error): void
  /** Reports that it no longer leaves the consumer to other code. */
  follows(consumer: string, topic: string): void
  /** Reports that the consumer has resumed. The next event shows whether it can continue. */
  resumed(consumer: string, topic: string): void
  /** Reports that the consumer has handled events. */
  worked(consumer: string, topic: string): void
  /** Stops gracefully, so that this process does not look like one that died. */
  close(): Promise<void>
}

export interface OwnerOptions extends Pick<WatchOptions, 'silentMs' | 'onRelieved' | 'onFrozen'> {
  db: Queryable
  listener: Listener
  service: string
  everyMs?: number
  /** Called when a beat fails; until one succeeds, this process looks frozen to others. */
  onError?(error: unknown): void
  /** Opens the log of the pauses of one consumer of a topic. */
  spell?(consumer: string, topic: string): Spell
  /** Called after each beat that worked. */
  onBeat?(): void
}

const BEAT_MS = 2_000
/** Time between beats while milestones of an old log are still to be set. */
const SOON_MS = 100
const RELOCK_MS = 250
const PRUNE_MS = 10 * 60_000
const LONGEST_CAUSE = 2_000

/** Only informs people, so its commit does not wait for the disk: a server crash may undo it. */
const BEAT = `
  with quick as materialized (select set_config('synchronous_commit', 'off', true) as set),
  beat as (
    insert into log.owners as o (id, service, host, pid, paused) select $1, $2, $3, $4, $5::json from quick
    on conflict (id) do update set beat_at = now(), paused = excluded.paused),
  advances as (
    insert into log.advances (consumer, topic, owner, positions)
    select c.consumer, c.topic, $1, json_object_agg(c.partition, c.pos)
      from unnest($6::text[], $7::text[]) d(consumer, topic)
      join log.checkpoints c on c.consumer = d.consumer and c.topic = d.topic and c.owner = $1
                            and c.moved_at > now() - interval '1 minute'
     group by c.consumer, c.topic
    on conflict do nothing),
  ${EXTEND_MILESTONES}
  select coalesce((select head > upto from span), false) as "hasMore"`
const LEAVE = 'delete from log.owners where id = $1'
const PRUNE = `
  with advances as (delete from log.advances where at < now() - interval '24 hours')
  delete from log.owners where beat_at < now() - interval '7 days' and id <> $1`

/**
 * Registers this process as one that runs consumers, until it is closed, and makes it cut off frozen processes of the same service.
 * Never rejects: what fails is tried again.
 */
export function openOwner({
  db,
  listener,
  service,
  everyMs = BEAT_MS,
  onError = () => {},
  spell,
  onBeat,
  ...watching
}: OwnerOptions): Owner {
  const id = newId()
  const watch = watchOwners({ db, id, service, ...watching })
  const pauses = new Map<string, Pause>()
  const moved = new Map<string, { consumer: string; topic: string }>()
  const spells = new Map<string, Spell | undefined>()
  function spellOf(consumer: string, topic: string) {
    const key = `${consumer} ${topic}`
    if (!spells.has(key)) spells.set(key, spell?.(consumer, topic))
    return spells.get(key)
  }
  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  let relock: NodeJS.Timeout | undefined
  let prunedAt = performance.now()
  let beating: Promise<void> | undefined
  let isWanted = false
  let lock: { release(): Promise<void> } | undefined

  async function beat() {
    const dirty = [...moved.values()]
    moved.clear()
    const values = [id, service, hostname(), process.pid, JSON.stringify(Object.fromEntries(pauses))]
    try {
      const [answer] = await db.query<{ hasMore: boolean }>('owners.beat', BEAT, [
        ...values,
        dirty.map(({ consumer }) => consumer),
        dirty.map(({ topic }) => topic),
      ])
      if (performance.now() - prunedAt > PRUNE_MS) {
        prunedAt = performance.now()
        await db.query('owners.prune', PRUNE, [id])
      }
      await watch.look()
      onBeat?.()
      return answer!.hasMore
    } catch (error) {
      for (const one of dirty) moved.set(`${one.consumer} ${one.topic}`, one)
      if (!isClosed) onError(error)
      return false
    }
  }

  /** One beat at a time; a beat asked for during another follows it at once. */
  function beatNow() {
    if (isClosed) return
    if (beating) {
      isWanted = true
      return
    }
    clearTimeout(timer)
    isWanted = false
    beating = beat().then((hasMore) => {
      beating = undefined
      if (isClosed) return
      timer = setTimeout(beatNow, isWanted ? 0 : hasMore ? SOON_MS : everyMs)
    })
  }

  /** Takes the lock without which this process counts as gone, and takes it again when it is lost. */
  async function hold() {
    await listener.ready()
    if (isClosed) return
    const taken = await listener.lock(`owner ${id}`, () => {
      lock = undefined
      if (!isClosed) holdOn()
    })
    if (isClosed) return void (await taken?.release())
    if (taken) lock = taken
    else relock = setTimeout(holdOn, RELOCK_MS)
  }
  const holdOn = () =>
    void hold().catch((error) => {
      onError(error)
      if (!isClosed) relock = setTimeout(holdOn, RELOCK_MS)
    })

  function pause(consumer: string, topic: string, error: unknown, how: Pick<Pause, 'isLeft'> = {}) {
    if (isClosed) return
    const key = `${consumer} ${topic}`
    const before = pauses.get(key)
    const cause = reason(error).slice(0, LONGEST_CAUSE)
    pauses.set(key, { cause, since: before?.since ?? now(), ...how })
    if (before?.cause !== cause || before.isLeft !== how.isLeft) beatNow()
  }

  // Ask for the lock first: a row without a lock means a dead process.
  holdOn()
  beatNow()

  return {
    id,
    hasPeer: watch.hasPeer,
    paused(consumer, topic, error) {
      if (isClosed) return
      // Another process has taken over, which is fine.
      if (error instanceof Fenced) return spellOf(consumer, topic)?.left()
      spellOf(consumer, topic)?.failed(error)
      if (error instanceof NewerCode) return pause(consumer, topic, error, { isLeft: true })
      // Handed over: another process continues. A foreign record is skipped.
      if (error instanceof HandedOver || error instanceof ForeignRecord) return
      pause(consumer, topic, error)
    },
    leaves: (consumer, topic, why) => pause(consumer, topic, why, { isLeft: true }),
    follows(consumer, topic) {
      const key = `${consumer} ${topic}`
      if (pauses.get(key)?.isLeft && pauses.delete(key)) beatNow()
    },
    resumed(consumer, topic) {
      spellOf(consumer, topic)?.resumed()
      const pause = pauses.get(`${consumer} ${topic}`)
      if (pause) pause.resumed = true
    },
    worked(consumer, topic) {
      spellOf(consumer, topic)?.worked()
      const key = `${consumer} ${topic}`
      moved.set(key, { consumer, topic })
      if (pauses.delete(key)) beatNow()
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      clearTimeout(relock)
      await beating
      await db.query('owners.leave', LEAVE, [id]).catch(onError)
      await lock?.release()
    },
  }
}

/**
 * Wraps a follower: reports what it does to `owner`, and gives up calls that take too long if another process can take over.
 * Without an owner returns the follower as it is.
 * @param consumer whose checkpoints it moves
 * @param isReported whether the follower reports this error itself
 */
export function toldTo(
  owner: Owner | undefined,
  consumer: string,
  follower: Follower,
  { longestMs, isReported = () => false }: { longestMs?: number; isReported?(error: unknown): boolean } = {},
): Follower {
  if (!owner) return follower
  const topic = follower.topic.name
  const bounded = handingOver(follower, { hasPeer: () => owner.hasPeer(consumer, topic), longestMs })
  return {
    ...bounded,
    async resume(partitions) {
      const positions = await bounded.resume(partitions)
      owner.resumed(consumer, topic)
      return positions
    },
    async handle(batch) {
      await bounded.handle(batch)
      owner.worked(consumer, topic)
    },
    onError(error) {
      if (!isReported(error)) owner.paused(consumer, topic, error)
      follower.onError?.(error)
    },
  }
}
