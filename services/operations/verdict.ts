import { NEEDS_YOU, STATES } from '#platform/log/consumers/state.ts'
import type { Cell, ConsumerLook, QueueLook } from './look.ts'

/** Worst state first, then the longest lag. Consumers that the settings leave out come last. */
export const worstFirst = (a: ConsumerLook, b: ConsumerLook): number =>
  Number(a.isLeftOut) - Number(b.isLeftOut) ||
  STATES.indexOf(a.state) - STATES.indexOf(b.state) ||
  (b.seconds ?? 0) - (a.seconds ?? 0) ||
  a.consumer.localeCompare(b.consumer) ||
  a.topic.localeCompare(b.topic)

/** The first line of a look. */
export function verdictOf({
  consumers,
  queues,
}: {
  consumers: Cell<readonly ConsumerLook[]>
  queues: Cell<readonly QueueLook[]>
}): { verdict: string; isWell: boolean } {
  if (consumers.problem !== undefined)
    return { verdict: `nothing is known of the consumers: ${consumers.problem}`, isWell: false }
  // Consumers that the settings leave out are shown, but need no action.
  const all = consumers.value.filter(({ isLeftOut }) => !isLeftOut)
  const needy = all.filter(({ state }) => NEEDS_YOU.has(state)).length
  const of = `of ${all.length} ${all.length === 1 ? 'consumer' : 'consumers'}`
  if (needy > 0) return { verdict: `${needy} ${of} ${needy === 1 ? 'needs' : 'need'} you`, isWell: false }
  const dark = all.filter(({ state }) => state === 'UNKNOWN').length
  if (dark > 0) return { verdict: `${dark} ${of} cannot be read`, isWell: false }
  const behind = all.reduce((sum, { events }) => sum + (events ?? 0), 0).toLocaleString('en-US')
  const dead = (queues.value ?? []).reduce((sum, queue) => sum + queue.dead, 0)
  if (dead > 0)
    return {
      verdict: `consumers are well, ${behind} behind; ${dead} ${dead === 1 ? 'message is' : 'messages are'} given up`,
      isWell: false,
    }
  return { verdict: `all is well, ${behind} behind`, isWell: true }
}
