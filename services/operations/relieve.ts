import { setTimeout as sleep } from 'node:timers/promises'
import type { Settings } from '#platform/config/settings.ts'
import { cutOff } from '#platform/log/consumers/cut.ts'
import { NO_BEAT_MS, nameOf } from '#platform/log/consumers/judge.ts'
import { OperatorError } from '#platform/operator-error.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { expectedOf } from './expected.ts'
import type { Act, Done } from './operation.ts'
import { isOwnProcess } from './own-process.ts'

/** A process that owns a consumer and shows no sign of life, but has not ended. */
export interface FrozenOwner {
  id: string
  service: string
  host: string
  pid: number
  /** Time since its last sign of life. */
  silentMs: number
  /** `kill`: it is our process on this host. `cut`: it runs elsewhere, so only its database connections can be ended. */
  how: 'kill' | 'cut'
}

/** The effect of relieving a consumer, that is, of taking it from a frozen process. */
export interface Relief {
  consumer: string
  service: string
  /** At least one. */
  frozen: FrozenOwner[]
  /** Number of live processes of the service that can take over, because they do not leave this consumer to other code. */
  standBy: number
}

interface LivingRow {
  id: string
  service: string
  host: string
  pid: number
  silentMs: number
  isOwner: boolean
  /** It leaves the consumer to a process with other code, so it cannot take over. */
  isLeft: boolean
}

const LIVING = `
  select o.id, o.service, o.host, o.pid,
         (extract(epoch from clock_timestamp() - o.beat_at) * 1000)::float8 as "silentMs",
         o.id in (select owner from log.checkpoints where consumer = $1 and owner is not null
                  union select owner from log.relay where $1 = 'relay' and owner is not null) as "isOwner",
         exists (select from json_each(o.paused) p where p.key like $1 || ' %' and (p.value ->> 'isLeft')::boolean) as "isLeft"
    from log.living_owners o
   order by o.started_at`

/** How long to wait for another process of the service: a supervisor starts one within seconds. */
const TAKE_OVER_MS = 15_000
const LOOK_EVERY_MS = 200

/** The recorded form of relieving a consumer. */
export const relieveAct = (consumer: string): Act => ({
  act: 'relieve',
  target: consumer,
  command: `npx vidwiz relieve ${consumer}`,
})

/**
 * Tells which processes would lose a consumer, and how. Changes nothing.
 * @throws OperatorError when there is no such consumer, or none of its owners is frozen
 */
export async function previewRelief(db: Queryable, settings: Settings, consumer: string): Promise<Relief> {
  const expected = expectedOf(settings)
  const known = expected.find((one) => one.consumer === consumer)
  if (!known) {
    const names = [...new Set(expected.map((one) => one.consumer))]
    throw new OperatorError(`there is no consumer ${consumer}; there are ${names.join(', ')}`)
  }
  const living = (await livingOwners(db, consumer)).filter(({ service }) => service === known.service)
  const owners = living.filter(({ isOwner }) => isOwner)
  // If none of its last owners is alive, other processes of the service are about to take it over.
  const concerned = owners.length > 0 ? owners : living
  const silent = concerned.filter(isSilent)
  if (silent.length === 0) throw new OperatorError(notFrozen(consumer, known.service, concerned))
  const frozen = await Promise.all(
    silent.map(async ({ isOwner: _, isLeft: __, ...owner }): Promise<FrozenOwner> => {
      const how = (await isOwnProcess(owner)) ? 'kill' : 'cut'
      return { ...owner, how }
    }),
  )
  return { consumer, service: known.service, frozen, standBy: living.filter(canTakeOver).length }
}

/**
 * Takes a consumer from frozen processes, and waits until another process is alive to go on from its checkpoints. A frozen process
 * that wakes later cannot write: its successor has raised the fencing epoch of the checkpoints.
 * @param takeOverMs how long to wait for another process
 */
export async function relieve(
  db: Queryable,
  relief: Relief,
  { takeOverMs = TAKE_OVER_MS }: { takeOverMs?: number } = {},
): Promise<Done<{ summary: string; isTakenOver: boolean }>> {
  const did: string[] = []
  for (const owner of relief.frozen) did.push(await relieveOf(db, relief, owner))
  const successor = await successorOf(db, relief, takeOverMs)
  const onItsHost = relief.frozen.some(({ how }) => how === 'cut') ? ', and end the frozen one on its host' : ''
  const after = successor
    ? `${nameOf(successor)} lives and continues where it stopped`
    : `nobody has taken over within ${Math.round(takeOverMs / 1000)} s: start one with npx vidwiz run ${relief.service}${onItsHost}`
  const summary = `${did.join('; ')}; ${after}`
  return {
    result: { summary, isTakenOver: successor !== undefined },
    summary,
    outcome: successor ? 'done' : 'failed',
  }
}

/** The effect of a relief, in lines for people. */
export function reliefLines({ service, frozen, standBy }: Relief): string[] {
  const lines = frozen.map((owner) => {
    const silent = `${nameOf(owner)} has given no sign of life for ${Math.round(owner.silentMs / 1000)} s`
    return owner.how === 'kill'
      ? `${silent}. It runs on this host: it is killed`
      : `${silent}. It does not run where this was asked, so it cannot be killed from here: its connections to the database are cut`
  })
  const after =
    standBy > 0
      ? `${standBy} other ${standBy === 1 ? 'process' : 'processes'} of ${service} can take over.`
      : frozen.every(({ how }) => how === 'kill')
        ? `No other process of ${service} lives: its supervisor starts one, if it has one.`
        : `No other process of ${service} lives: until one is started (npx vidwiz run ${service}), the consumer stands still.`
  return [...lines.map((line) => `${line}.`), after]
}

const isSilent = ({ silentMs }: { silentMs: number }) => silentMs > NO_BEAT_MS

const canTakeOver = (one: LivingRow) => !isSilent(one) && !one.isLeft

const livingOwners = (db: Queryable, consumer: string) => db.query<LivingRow>('relieve.living', LIVING, [consumer])

function notFrozen(consumer: string, service: string, living: readonly LivingRow[]): string {
  if (living.length === 0) return `no process of ${service} lives: start one with npx vidwiz run ${service}`
  const names = living.map((one) => `${nameOf(one)}, ${(one.silentMs / 1000).toFixed(1)} s ago`)
  return `no owner of ${consumer} is frozen; last signs of life: ${names.join('; ')}`
}

/** Kills or cuts an owner and tells what was done. Checks again first: it may have woken, or its pid been reused. */
async function relieveOf(db: Queryable, { consumer }: Relief, owner: FrozenOwner): Promise<string> {
  const now = (await livingOwners(db, consumer)).find(({ id }) => id === owner.id)
  if (!now) return `${nameOf(owner)} had ended already`
  if (!isSilent(now)) return `${nameOf(owner)} lives again, and was left alone`
  if (owner.how === 'kill' && (await isOwnProcess(owner)) && killed(owner.pid)) return `killed ${nameOf(owner)}`
  const cut = await cutOff(db, owner.id, NO_BEAT_MS)
  if (cut === 0) return `${nameOf(owner)} lives again or has ended, and was left alone`
  return `cut ${cut === 1 ? 'the connection' : `${cut} connections`} of ${nameOf(owner)}, which was not killed`
}

/** False when we may not kill it (another user's process), or it has ended. */
function killed(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}

/** A live process of the service that can take over, possibly one of the frozen ones that has woken. */
async function successorOf(db: Queryable, { consumer, service }: Relief, withinMs: number): Promise<LivingRow | undefined> {
  const until = performance.now() + withinMs
  for (;;) {
    const living = await livingOwners(db, consumer)
    const found = living.find((one) => one.service === service && canTakeOver(one))
    if (found || performance.now() > until) return found
    await sleep(LOOK_EVERY_MS)
  }
}
