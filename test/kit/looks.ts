import type { OwnerStanding, PartitionStanding, State } from '#platform/log/consumers/state.ts'
import type { ConsumerLook, Look } from '#services/operations/look.ts'

/** A consumer's look; by default it is OK and has four partitions. */
export function consumerLook(consumer: string, but: Partial<ConsumerLook> = {}, at = Date.now()): ConsumerLook {
  const state: State = but.state ?? 'OK'
  const partitions: PartitionStanding[] = [0, 1, 2, 3].map((partition) => ({
    partition,
    pos: 1_200_000 + partition * 977,
    head: 1_200_000 + partition * 977,
    events: 0,
    oldestAt: null,
    movedAt: at - 400,
  }))
  const owner: OwnerStanding = { id: 'a', service: 'projector', host: 'north', pid: 4711, beatAt: at - 700, isAlive: true }
  return {
    consumer,
    topic: `vidwiz.${consumer}`,
    kind: 'view',
    service: 'projector',
    state,
    why: '',
    events: 0,
    seconds: 0,
    trend: 0,
    rate: 12.4,
    etaSeconds: null,
    partitions,
    parked: { streams: 0, events: 0, oldestAt: null },
    owner,
    isLeftOut: false,
    history: Array.from({ length: 60 }, () => 0),
    ...but,
  }
}

/** A look at a system; by default all is well. */
export function lookOf(consumers: ConsumerLook[], but: Partial<Look> = {}): Look {
  const bad = consumers.filter(({ state }) => state !== 'OK').length
  return {
    at: Date.now(),
    verdict: bad === 0 ? 'all is well, 0 behind' : `${bad} of ${consumers.length} consumers need you`,
    isWell: bad === 0,
    log: 'embedded',
    head: 1_204_331,
    consumers: { value: consumers },
    queues: { value: [] },
    breaker: { value: { state: 'closed' } },
    tasks: { value: [] },
    requests: { value: [] },
    replays: { value: [] },
    ...but,
  }
}
