import type { Recorded } from '#events/kit/envelope.ts'
import { untilAborted } from '#platform/deadline.ts'
import type { Reader } from '#platform/log/port.ts'
import type { Places } from './chosen.ts'
import { type Filter, matches } from './filter.ts'

export type Direction = 'forwards' | 'backwards'

export interface Search {
  places: Places
  filter: Filter
  direction: Direction
  /** Forwards: starts after this position. Backwards: starts before it. */
  from: number
  /** Forwards: the last position to search; the current end, if not given. */
  upTo?: number | undefined
  /** Maximum number of matching events. */
  limit: number
  /** Maximum number of events to look at. */
  most: number
  /** Maximum duration of the search. */
  withinMs?: number
  /** Ends the search early; returns what was found by then. */
  signal?: AbortSignal | undefined
}

export interface Searched {
  /** In the direction of the search. */
  events: Recorded[]
  /** Number of events looked at. */
  searched: number
  /** `from` of a search that continues this one. Everything before that was looked at. */
  next: number
  /** Why it ended. */
  why: 'end' | 'limit' | 'most' | 'time' | 'stopped'
}

/** Consecutive events in the direction of the search, and how far they reach. */
interface Portion {
  events: readonly Recorded[]
  /** Everything up to this position is in this portion or an earlier one. */
  reached: number
}

/** Events read from a topic at once. */
const PAGE = 500

/** Searches for matching events, forwards or backwards, within the given bounds. */
export async function search(reader: Reader, wanted: Search): Promise<Searched> {
  const { places, filter, direction, from, limit, most, withinMs = Number.POSITIVE_INFINITY, signal } = wanted
  const events: Recorded[] = []
  let searched = 0
  let next = from
  const ended = (why: Searched['why']): Searched => ({ events, searched, next, why })
  const stop = stopOf(withinMs, signal)
  const portions = direction === 'forwards' ? forwards(reader, places, from, wanted.upTo) : backwards(reader, places, from)
  try {
    for (;;) {
      if (limit === 0) return ended('limit')
      if (searched >= most) return ended('most')
      const portion = await untilAborted(stop.signal, portions.next())
      if (!portion) return ended(stop.why())
      if (portion.done) return ended('end')
      for (const event of portion.value.events) {
        if (searched >= most) return ended('most')
        searched++
        // A continued search starts after this event (forwards) or before it (backwards).
        next = event.pos
        if (!matches(event, filter)) continue
        events.push(event)
        if (events.length >= limit) return ended('limit')
      }
      next = portion.value.reached
    }
  } finally {
    stop.clear()
  }
}

/** Ends a search: after some time, or when the caller's signal aborts. */
function stopOf(withinMs: number, signal: AbortSignal | undefined) {
  const late = new AbortController()
  const timer = Number.isFinite(withinMs) ? setTimeout(() => late.abort(), withinMs) : undefined
  return {
    signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
    why: (): Searched['why'] => (signal?.aborted ? 'stopped' : 'time'),
    clear: () => clearTimeout(timer),
  }
}

/** The position of the last event in these places; 0 when there is none. All events before it are readable: none appear later. */
export async function headOf(reader: Reader, places: Places): Promise<number> {
  const heads = await Promise.all(
    places.map(async ({ topic, partitions }) => {
      const ends = await reader.heads(topic)
      return partitions.map((partition) => ends.get(partition) ?? 0)
    }),
  )
  return Math.max(0, ...heads.flat())
}

/** Events after a position up to another one, merged from all places in the order of the log. */
export async function* forwards(reader: Reader, places: Places, after: number, upTo?: number): AsyncGenerator<Portion> {
  const end = Math.min(upTo ?? Number.POSITIVE_INFINITY, await headOf(reader, places))
  const lanes = places.map((place) => ({ ...place, after, ahead: [] as Recorded[], isEmpty: false }))
  for (;;) {
    await Promise.all(
      lanes.map(async (lane) => {
        if (lane.ahead.length > 0 || lane.isEmpty) return
        const { topic, partitions } = lane
        const positions = new Map(partitions.map((partition) => [partition, lane.after]))
        // A log may return fewer events than the limit; only an empty page means its end.
        lane.ahead = end > lane.after ? await reader.read({ topic: topic.name, after: positions, upTo: end, limit: PAGE }) : []
        lane.isEmpty = lane.ahead.length === 0
        lane.after = lane.ahead.at(-1)?.pos ?? lane.after
      }),
    )
    const open = lanes.filter(({ isEmpty }) => !isEmpty)
    if (open.length === 0) {
      if (end > after) yield { events: [], reached: end }
      return
    }
    // Beyond the end of the shortest page, its topic may have an earlier event than the other topics.
    const safe = Math.min(...open.map((lane) => lane.after))
    const events: Recorded[] = []
    for (const lane of open) {
      const split = lane.ahead.findIndex(({ pos }) => pos > safe)
      events.push(...lane.ahead.splice(0, split < 0 ? lane.ahead.length : split))
    }
    yield { events: events.sort((a, b) => a.pos - b.pos), reached: safe }
  }
}

/** Width of the first window of positions, when searching backwards. */
const FIRST_WINDOW = 1_000
/** A window with more events is too wide, because they are held in memory. */
const MOST_IN_WINDOW = 2_000

/** Events before a position, newest first. Logs are read forwards, so it reads windows, wider ones where events are sparse. */
async function* backwards(reader: Reader, places: Places, before: number): AsyncGenerator<Portion> {
  let end = Math.min(before - 1, await headOf(reader, places))
  let width = FIRST_WINDOW
  while (end > 0) {
    const start = Math.max(0, end - width)
    const events = await window(reader, places, start, end)
    if (!events) {
      width = Math.max(1, Math.floor(width / 2))
      continue
    }
    yield { events: events.reverse(), reached: start + 1 }
    end = start
    if (events.length < MOST_IN_WINDOW / 4) width *= 2
  }
}

/** All events in a window; undefined when there are too many. */
async function window(reader: Reader, places: Places, start: number, end: number): Promise<Recorded[] | undefined> {
  const found: Recorded[] = []
  for await (const { events } of forwards(reader, places, start, end)) {
    found.push(...events)
    // A window narrower than that cannot hold too many.
    if (found.length > MOST_IN_WINDOW && end - start > MOST_IN_WINDOW) return undefined
  }
  return found
}
