import type { Recorded } from '#events/kit/envelope.ts'
import { topics } from '#events/topics.ts'
import { openBell } from '#platform/bell.ts'
import type { Reader } from '#platform/log/port.ts'
import type { Listener } from '#platform/pg/listen.ts'
import type { Places } from './chosen.ts'
import { forwards, headOf } from './search.ts'

/** Gets events as they are appended, in the order of the log. */
export interface Watcher {
  /** @param reached everything up to this position was delivered or passed over */
  events(events: readonly Recorded[], reached: number): void
  /** The log cannot be read at the moment; the watcher keeps trying. */
  problem(message: string): void
  /** This many positions were passed over, because more events came than anybody could read. */
  passed(positions: number): void
}

/** Follows the end of the log for all watchers: reads it once for all of them, and not at all without watchers. */
export interface Live {
  /** @returns a function that stops it */
  watch(watcher: Watcher): () => void
}

const everywhere: Places = topics.map((topic) => ({ topic, partitions: [...Array(topic.partitions).keys()] }))
/** Polls this often in case a wake-up is lost; on Kafka, events also arrive a little after the wake-up. */
const SAFETY_NET_MS = 500
/** More than a person can read between two looks. */
const MOST_BEHIND = 5_000

export function openLive({ reader, listener }: { reader: Reader; listener: Listener }): Live {
  const watchers = new Set<Watcher>()
  let isRunning = false
  const bell = openBell()
  const tell = (say: (watcher: Watcher) => void) => {
    for (const watcher of [...watchers]) say(watcher)
  }

  /** @returns the new end */
  async function look(after: number): Promise<number> {
    const head = await headOf(reader, everywhere)
    if (head <= after) return after
    const from = Math.max(after, head - MOST_BEHIND)
    if (from > after) tell((watcher) => watcher.passed(from - after))
    for await (const { events, reached } of forwards(reader, everywhere, from, head))
      tell((watcher) => watcher.events(events, reached))
    return head
  }

  async function run() {
    const stopHearing = listener.on('log', bell.ring)
    let after: number | undefined
    while (watchers.size > 0) {
      bell.hush()
      try {
        after = after === undefined ? await headOf(reader, everywhere) : await look(after)
      } catch (error) {
        tell((watcher) => watcher.problem((error as Error).message))
      }
      await bell.wait(SAFETY_NET_MS)
    }
    stopHearing()
    isRunning = false
    // A watcher may have joined just now.
    start()
  }

  function start() {
    if (isRunning || watchers.size === 0) return
    isRunning = true
    void run()
  }

  return {
    watch(watcher) {
      watchers.add(watcher)
      start()
      return () => {
        watchers.delete(watcher)
        bell.ring()
      }
    },
  }
}
