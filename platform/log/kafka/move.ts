import type { Recorded } from '#events/kit/envelope.ts'
import type { Topic } from '#events/kit/stream.ts'
import type { Reader } from '../port.ts'
import { type RelayOptions, startRelay } from './relay.ts'

export interface MoveProgress {
  phase: 'publish' | 'verify'
  events: number
  total?: number
  /** Events per second. */
  rate: number
  etaMs?: number
}

type OnProgress = (progress: MoveProgress) => void

const HEAD = 'select coalesce(max(pos), 0) as pos from log.events'
const RELAYED = 'select pos from log.relay'
const LOOK_MS = 100

/**
 * Publishes the log until Kafka has all events that the log has now. If another relay holds the lease, waits for that one.
 * @throws an error of the relay, when it makes no progress for `patienceMs`
 */
export async function catchUp({
  onProgress,
  patienceMs = 30_000,
  ...options
}: RelayOptions & { onProgress: OnProgress; patienceMs?: number }): Promise<{ events: number; pos: number }> {
  const { db } = options
  const pos = async (name: string, text: string) => (await db.query<{ pos: number }>(name, text))[0]!.pos
  const began = Date.now()
  const from = await pos('move.relayed', RELAYED)
  // Read once: while services write, the relay is always a little behind the present head.
  const head = await pos('move.head', HEAD)
  let at = from
  let movedAt = began
  let failure: unknown
  const relay = startRelay({
    ...options,
    onError: (error) => {
      failure = error
    },
  })
  try {
    for (;;) {
      const now = await pos('move.relayed', RELAYED)
      if (now > at) movedAt = Date.now()
      at = now
      onProgress(measured('publish', at - from, Math.max(head, at) - from, began))
      if (at >= head) return { events: at - from, pos: at }
      if (failure && Date.now() - movedAt > patienceMs) throw failure
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  } finally {
    await relay.stop()
  }
}

/** Most sentences returned: enough to see what is wrong. */
const MOST_DIFFERENCES = 20

/**
 * Compares both logs up to the position `last`, which the target should have reached. Returns how many events differ, and one
 * sentence for each of the first of them. Events pruned from the source are skipped.
 */
export async function differences(
  topics: readonly Topic[],
  source: Reader,
  target: Reader,
  last: number,
  onProgress: OnProgress,
): Promise<{ compared: number; different: number; sentences: string[] }> {
  const sentences: string[] = []
  let different = 0
  const began = Date.now()
  let compared = 0
  for (const topic of topics)
    for (const [partition, head] of await source.heads(topic)) {
      const upTo = Math.min(head, last)
      const theirs = events(target, topic.name, partition, upTo)
      for await (const ours of events(source, topic.name, partition, upTo)) {
        let other = (await theirs.next()).value
        while (other && other.pos < ours.pos) other = (await theirs.next()).value
        const sentence = difference(ours, other ?? undefined)
        if (sentence && ++different <= MOST_DIFFERENCES)
          sentences.push(`${topic.name}/${partition} position ${ours.pos}: ${sentence}`)
        if (++compared % 1_000 === 0) onProgress(measured('verify', compared, undefined, began))
      }
    }
  return { compared, different, sentences }
}

function difference(ours: Recorded, theirs: Recorded | undefined): string | undefined {
  if (theirs?.pos !== ours.pos) return 'it is missing'
  const fields = (Object.keys(ours) as (keyof Recorded)[]).filter((field) => ours[field] !== theirs[field])
  return fields.length > 0 ? `${fields.join(', ')} differ` : undefined
}

const PAGE = 1_000

async function* events(reader: Reader, topic: string, partition: number, upTo: number): AsyncGenerator<Recorded, undefined> {
  for (let at = 0; at < upTo; ) {
    const page = await reader.read({ topic, after: new Map([[partition, at]]), upTo, limit: PAGE })
    if (page.length === 0) return
    yield* page
    at = page.at(-1)!.pos
  }
}

function measured(phase: MoveProgress['phase'], events: number, total: number | undefined, began: number): MoveProgress {
  const rate = events / Math.max(0.001, (Date.now() - began) / 1000)
  return { phase, events, total, rate, ...(total && rate > 0 ? { etaMs: ((total - events) / rate) * 1000 } : {}) }
}
