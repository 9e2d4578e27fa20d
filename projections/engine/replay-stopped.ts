import type { Replayed } from '#events/kit/envelope.ts'
import { reason } from '#platform/log/cause.ts'
import type { View } from './view.ts'

/** A replay met history that it cannot turn into rows. Live consumption parks such an event; a replay ends here. */
export class ReplayStopped extends Error {
  constructor(view: View, what: string, cause: unknown) {
    super(`view ${view.name} ${what}: ${reason(cause)}`, { cause })
    this.name = 'ReplayStopped'
  }
}

/** The error for an event that could not be applied. */
export const cannotApply = (
  view: View,
  { type, stream, version, pos }: Pick<Replayed, 'type' | 'stream' | 'version' | 'pos'>,
  cause: unknown,
) => new ReplayStopped(view, `cannot apply ${type} (${stream}@${version}, position ${pos})`, cause)
