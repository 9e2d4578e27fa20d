import type { Recorded } from '#events/kit/envelope.ts'

/** An event, and what it caused. */
export interface Hop {
  event: Recorded
  /** Since the event that caused it, in milliseconds; undefined for what a request caused. */
  afterMs: number | undefined
  /** Its cause is an event that is not among those told of. */
  isTorn: boolean
  children: Hop[]
}

/** A request of a client, or another first cause, and what came of it. */
export interface Root {
  /** The request's `X-Request-ID`; null when nobody asked. */
  correlationId: string | null
  /** Who asked; null when that is not known. */
  actor: string | null
  hops: Hop[]
}

/** Events as the tree of what caused what; roots, and the children of each event, in the order of the log. */
export function treeOf(events: readonly Recorded[]): Root[] {
  const inOrder = events.toSorted((a, b) => a.pos - b.pos)
  const hops = new Map<string, Hop>()
  const roots = new Map<string | null, Root>()
  for (const event of inOrder) {
    // A cause comes before what it causes: what is found by now is no later event, however wrong a worker's word was.
    const cause = event.causationId === null ? undefined : hops.get(event.causationId)
    const hop: Hop = {
      event,
      // Clocks of two machines may disagree a little: never less than nothing.
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
  // Whoever an event made act is not who asked.
  if (causationId === null) root.actor ??= actor
  roots.set(correlationId, root)
  return root
}

/** Every event of some hops with its depth, as it is read from above. */
export function* walk(hops: readonly Hop[], depth = 0): Generator<{ hop: Hop; depth: number }> {
  // No recursion: a chain of causes may be long.
  const open = hops.toReversed().map((hop) => ({ hop, depth }))
  for (let next = open.pop(); next; next = open.pop()) {
    yield next
    for (const child of next.hop.children.toReversed()) open.push({ hop: child, depth: next.depth + 1 })
  }
}
