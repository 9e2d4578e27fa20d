import { setTimeout as sleep } from 'node:timers/promises'
import { shownCause } from '#platform/log/cause.ts'
import { askToRedrive, parkedOf } from '#platform/log/consumers/redrive.ts'
import type { Db, Queryable } from '#platform/pg/pool.ts'
import { redriveStreams, tryStreams } from '#projections/engine/redrive.ts'
import type { View } from '#projections/engine/view.ts'
import { isGone, viewOf } from './consumers.ts'
import { type Cursor, type Selection, type Stuck, stuckIn, stuckStreams } from './stuck.ts'

/** The outcome for one stream. */
export interface StreamResult {
  consumer: string
  stream: string
  /** Events. */
  applied: number
  parked: number
  /** Why it is still parked; null when it is not. May quote payloads. */
  cause: string | null
  /** The cause without text from payloads. */
  shown: string | null
}

/** Progress of a redrive, in streams. */
export interface RedriveProgress {
  done: number
  total: number
  /** Events. */
  applied: number
  /** Streams that are still parked. */
  stillParked: number
  /** Streams per second. */
  rate: number
  etaMs: number | undefined
}

export interface Redriven {
  /** Streams that were retried. */
  streams: number
  /** Events applied, and events still parked. */
  applied: number
  parked: number
  stillParked: number
  /** Outcomes of streams, at most a thousand: first those still parked. */
  results: StreamResult[]
  /** Consumers that did not start on their due streams; they will once they run. */
  untaken: string[]
  isCancelled: boolean
}

export interface RedriveOptions {
  onProgress?(progress: RedriveProgress): void
  /** Stops between two transactions; finished transactions stand. */
  signal?: AbortSignal
  /** Changes nothing and tells the outcome. Only views can tell it in advance. */
  isDryRun?: boolean
  /** How long a consumer may take to start on its due streams, or to make progress with them. */
  patienceMs?: number
  /** Finds a view by the name of its consumer. */
  views?: (consumer: string) => View | undefined
}

const MOST_RESULTS = 1_000
/** Consumers whose streams are retried in parallel. */
const PARALLEL = 4
/** Per transaction: the view's owner has to wait for it, so it is short. */
const OF_A_VIEW = { streams: 100, events: 2_000 }
/** A reactor reloads its partitions for each batch, so a batch is large. */
const OF_A_REACTOR = { streams: 1_000, events: 20_000 }
const PATIENCE_MS = 15_000
/** For a consumer that runs nowhere: another process may be about to take over. */
const GONE_PATIENCE_MS = 2_000
const LOOK_MS = 100

/**
 * Retries the streams of a selection, each in order. Events that fail again stay parked. An interrupted redrive can be repeated:
 * applied events are no longer parked.
 */
export async function redriveAll(db: Db, selection: Selection, options: RedriveOptions = {}): Promise<Redriven> {
  const { signal, isDryRun = false } = options
  const counts = await stuckIn(db, selection)
  const total = counts.reduce((sum, { streams }) => sum + streams, 0)
  const redriven: Redriven = { streams: 0, applied: 0, parked: 0, stillParked: 0, results: [], untaken: [], isCancelled: false }
  const tell = teller(total, redriven, options)

  const add = (results: readonly StreamResult[]) => {
    for (const result of results) {
      redriven.streams++
      redriven.applied += result.applied
      redriven.parked += result.parked
      if (result.parked > 0) redriven.stillParked++
    }
    redriven.results = shown([...redriven.results, ...results])
    tell()
  }
  const consumers = counts.map(({ consumer }) => consumer)
  async function work() {
    for (let consumer = consumers.shift(); consumer !== undefined; consumer = consumers.shift()) {
      const view = (options.views ?? viewOf)(consumer)
      for await (const batch of batches(db, { ...selection, consumer }, view ? OF_A_VIEW : OF_A_REACTOR)) {
        if (signal?.aborted) {
          redriven.isCancelled = true
          return
        }
        if (view) add(await redriveHere(db, view, batch, isDryRun))
        else if (isDryRun) add(batch.map((stuck) => unknown(stuck)))
        else {
          const { results, isTaken } = await redriveElsewhere(db, consumer, batch, options)
          add(results)
          if (isTaken) continue
          redriven.untaken.push(consumer)
          break
        }
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: PARALLEL }, work))
  for (const end of ended) if (end.status === 'rejected') throw end.reason
  return redriven
}

/** The results worth showing: those still parked first. */
const shown = (results: StreamResult[]): StreamResult[] =>
  results.length <= MOST_RESULTS
    ? results
    : [...results.filter(({ parked }) => parked > 0), ...results.filter(({ parked }) => parked === 0)].slice(0, MOST_RESULTS)

function teller(total: number, redriven: Redriven, { onProgress }: RedriveOptions) {
  const began = performance.now()
  return () => {
    const { streams: done, applied, stillParked } = redriven
    const rate = done / Math.max(0.001, (performance.now() - began) / 1_000)
    // More streams may have been parked since the count.
    const most = Math.max(total, done)
    onProgress?.({ done, total: most, applied, stillParked, rate, etaMs: done ? ((most - done) / rate) * 1_000 : undefined })
  }
}

/** Streams of one consumer, in batches that are redriven together. */
async function* batches(db: Queryable, selection: Selection, most: { streams: number; events: number }): AsyncGenerator<Stuck[]> {
  let after: Cursor | undefined
  for (;;) {
    const { streams, next } = await stuckStreams(db, selection, { after, limit: most.streams })
    let batch: Stuck[] = []
    let events = 0
    for (const stuck of streams) {
      if (batch.length > 0 && events + stuck.events > most.events) {
        yield batch
        batch = []
        events = 0
      }
      batch.push(stuck)
      events += stuck.events
    }
    if (batch.length > 0) yield batch
    if (!next) return
    after = next
  }
}

async function redriveHere(db: Db, view: View, batch: readonly Stuck[], isDryRun: boolean): Promise<StreamResult[]> {
  const streams = batch.map(({ stream }) => stream)
  const results = await (isDryRun ? tryStreams : redriveStreams)(db, view, streams)
  return [...results].map(([stream, { applied, parked, failure }]) => ({
    consumer: view.name,
    stream,
    applied,
    parked,
    cause: failure?.cause ?? null,
    shown: failure && shownCause(failure),
  }))
}

function unknown({ consumer, stream, events }: Stuck): StreamResult {
  const cause = `only ${consumer} itself can tell what would happen`
  return { consumer, stream, applied: 0, parked: events, cause, shown: cause }
}

/** For a reactor or bridge, which alone can handle its events: asks the running process, and waits until it has retried them. */
async function redriveElsewhere(
  db: Db,
  consumer: string,
  batch: readonly Stuck[],
  options: RedriveOptions,
): Promise<{ results: StreamResult[]; isTaken: boolean }> {
  const patienceMs = options.patienceMs ?? ((await isGone(db, consumer)) ? GONE_PATIENCE_MS : PATIENCE_MS)
  const streams = batch.map(({ stream }) => stream)
  await askToRedrive(db, consumer, ...streams)
  let isTaken = true
  let until = Date.now() + patienceMs
  for (let before = Number.POSITIVE_INFINITY; ; await sleep(LOOK_MS)) {
    const { due } = await parkedOf(db, consumer, ...streams)
    if (due === 0) break
    if (due < before) until = Date.now() + patienceMs
    before = due
    if (Date.now() > until) {
      isTaken = false
      break
    }
  }
  const left = await leftOf(db, consumer, streams)
  const results = batch.map(({ stream, events }): StreamResult => {
    const { parked, due, ...why } = left.get(stream) ?? {
      parked: 0,
      due: 0,
      cause: null,
      error: null,
      place: null,
      pattern: null,
    }
    const result = { consumer, stream, applied: Math.max(0, events - parked), parked }
    if (parked === 0) return { ...result, cause: null, shown: null }
    const untaken = `${consumer} has not tried it yet; it will when it runs`
    return due > 0 ? { ...result, cause: untaken, shown: untaken } : { ...result, cause: why.cause, shown: shownCause(why) }
  })
  return { results, isTaken }
}

/** The remaining events of some streams: their number, how many are due, and the cause of the failed one. */
async function leftOf(db: Queryable, consumer: string, streams: readonly string[]) {
  type Why = Record<'cause' | 'error' | 'place' | 'pattern', string | null>
  const rows = await db.query<{ stream: string; parked: number; due: number } & Why>(
    'parked.left',
    `select stream, count(*) as parked, count(*) filter (where state = 'due') as due, max(cause) filter (where state = 'failed') as cause,
            max(error) as error, max(place) as place, max(pattern) as pattern
       from log.dead_letters where consumer = $1 and stream = any ($2) and state <> 'skipped' group by stream`,
    [consumer, streams],
  )
  return new Map(rows.map(({ stream, ...left }) => [stream, left]))
}
