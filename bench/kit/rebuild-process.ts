import { giveWay } from '../../platform/background.ts'
import { readSettings } from '../../platform/config/settings.ts'
import { openReader } from '../../platform/log/open.ts'
import { openListener } from '../../platform/pg/listen.ts'
import { openDb } from '../../platform/pg/pool.ts'
import type { Progress } from '../../projections/engine/progress.ts'
import { rebuild } from '../../projections/engine/rebuild.ts'
import { notesView } from '../../projections/notes.ts'
import { replayThreads } from '../../services/kit/replay-threads.ts'

/** A rebuild of the notes view in a separate process; if that is detached, as by the command line. */
export interface RebuildReport {
  events: number
  rows: number
  tookMs: number
  /** Time of processors that the process used, with all its threads. */
  cpuMs: number
  /** Peak memory of the process in bytes, and its memory before the rebuild. */
  peakBytes: number
  idleBytes: number
}

await giveWay()

// Folds in one thread unless a number of threads is given, and uses the embedded log unless brokers are given.
const [, , url, mode, threads = '0', brokers, prefix] = process.argv
const settings = readSettings({ DB_URL: url, REPLAY_THREADS: threads, KAFKA_BROKERS: brokers, KAFKA_PREFIX: prefix })
const db = openDb(url!, { name: 'bench rebuild', max: 4 })
const listener = openListener(url!)
const source = { db, reader: await openReader(settings, db, listener), threads: replayThreads(settings) }
const idleBytes = process.memoryUsage.rss()

/** What rebuilds one after the other came to: how many a second, and the pace of their reading on average. */
export interface RepeatedReport {
  perSecond: number
  pace: number
}

/** Repeats rebuilds until told to stop. */
async function again() {
  let stopped = false
  const stop = () => {
    stopped = true
  }
  process.once('message', stop).once('disconnect', stop)
  process.send!('began')
  const from = performance.now()
  const paces: number[] = []
  const onProgress = ({ phase, pace }: Progress) => {
    if (phase === 'read') paces.push(pace)
  }
  let rebuilds = 0
  for (; !stopped; rebuilds++) await rebuild(notesView, { ...source, onProgress })
  const report: RepeatedReport = {
    perSecond: (rebuilds * 1_000) / (performance.now() - from),
    pace: paces.reduce((sum, pace) => sum + pace, 0) / paces.length,
  }
  process.send!(report)
}

async function once() {
  const before = process.cpuUsage()
  const { events, rows, tookMs } = (await rebuild(notesView, source))!
  const { user, system } = process.cpuUsage(before)
  const peakBytes = process.resourceUsage().maxRSS * 1024
  const report: RebuildReport = { events, rows, tookMs, cpuMs: (user + system) / 1000, peakBytes, idleBytes }
  process.send!(report)
}

await (mode === 'again' ? again() : once())
await source.reader.close()
await listener.close()
await db.close()
process.disconnect()
