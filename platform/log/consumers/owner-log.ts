import type { Logger } from '../../telemetry/logger.ts'
import { openSpell } from '../../telemetry/spell.ts'
import { nameOf } from './judge.ts'
import type { OwnerOptions } from './owners.ts'

/**
 * Callbacks of an owner that log the pauses of its consumers, its failed beats, and the frozen processes that it sees.
 * @param isStopping whether the process stops: interrupted work is no pause then
 */
export function ownerLog(
  log: Logger,
  isStopping = () => false,
): Pick<OwnerOptions, 'spell' | 'onError' | 'onBeat' | 'onRelieved' | 'onFrozen'> {
  const beats = openSpell(log, { task: 'signs of life' }, undefined, 'cannot send its signs of life')
  return {
    spell(consumer, topic) {
      const spell = openSpell(log, { consumer, topic })
      return { ...spell, failed: (error) => (isStopping() ? undefined : spell.failed(error)) }
    },
    onError: beats.failed,
    onBeat: beats.worked,
    // Without its service, which would hide the one that logs this; the name of the owner begins with it.
    onRelieved: ({ cut, service, ...owner }) =>
      log.warn(
        { ...owner, owner: nameOf({ service, ...owner }), cut },
        'relieved a frozen process: it gave no sign of life, so its connections were cut; other processes take over its consumers',
      ),
    onFrozen: ({ service, ...owner }) =>
      log.error(
        { ...owner, owner: nameOf({ service, ...owner }) },
        `a process is frozen and nobody can take over: no other process of its service lives. Start one: npx vidwiz run ${service}`,
      ),
  }
}
