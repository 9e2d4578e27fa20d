import type { Recorded } from '#events/kit/envelope.ts'

/** An event and its effects. */
export interface Hop {
  event: Recorded
  /** Milliseconds since its cause; undefined for the direct effect of a request. */
  afterMs: number | undefined
  /** Its cause is an event outside the given ones. */
  isTorn: boolean
  children: Hop[]
}

/** A client's request, or another first cause, and its effects. */
export interface Root {
  /** The request's `X-Request-ID`; null without a request. */
  correlationId: string | null
  /** The actor of the request; null when unknown. */
  actor: string | null
  hops: Hop[]
}

/** Events as a tree of causes and effects. Roots, and the children of each event, are in the order of the log. */
export function treeOf(events: readonly Recorded[]): Root[] {
  const inOrder = events.toSorted((a, b) => a.pos - b.pos)
  const hops = new Map<string, Hop>()
  const roots = new Map<string | null, Root>()
  for (const event of inOrder) {
    // A cause precedes its effects, so only earlier events are found here, even if a worker named a wrong cause.
    const cause = event.causationId === null ? undefined : hops.get(event.causationId)
    const hop: Hop = {
      event,
      // Clocks of two machines may differ a little: at least 0.
      afterMs: cause && Math.max(0, event.time - cause.event.time),
      isTorn: event.causationId !== null && !cause,
      children: [],
    }
    hops.set(event.id, hop)
    if (cause) cause.children.push(hop)
    else rootOf(roots, event).hops.push(hop)
  }
  return [...roots.values()]
}

function rootOf(roots: Map<string | null, Root>, { correlationId, causationId, actor }: Recorded): Root {
  const root: Root = roots.get(correlationId) ?? { correlationId, actor: null, hops: [] }
  // The actor of an event with a cause only reacted, and did not make the request.
  if (causationId === null) root.actor ??= actor
  roots.set(correlationId, root)
  return root
}

/** Every event of some hops with its depth, in pre-order. */
export function* walk(hops: readonly Hop[], depth = 0): Generator<{ hop: Hop; depth: number }> {
  // No recursion: a chain of causes may be long.
  const open = hops.toReversed().map((hop) => ({ hop, depth }))
  for (let next = open.pop(); next; next = open.pop()) {
    yield next
    for (const child of next.hop.children.toReversed()) open.push({ hop: child, depth: next.depth + 1 })
  }
}
