import { giveWay } from '../../platform/background.ts'
import { kafkaReader } from '../../platform/log/kafka/reader.ts'
import { postgresReader } from '../../platform/log/postgres/reader.ts'
import { openListener } from '../../platform/pg/listen.ts'
import { openDb } from '../../platform/pg/pool.ts'
import type { Progress } from '../../projections/engine/progress.ts'
import { rebuild } from '../../projections/engine/rebuild.ts'
import { notesView } from '../../projections/notes.ts'

/** A rebuild of the notes view in a separate process, as by the command line. */
export interface RebuildReport {
  events: number
  rows: number
  tookMs: number
  /** Peak memory of the process in bytes, and its memory before the rebuild. */
  peakBytes: number
  idleBytes: number
}

giveWay()

// Uses the embedded log unless brokers are given.
const [, , url, mode, brokers, prefix] = process.argv
const db = openDb(url!, { name: 'bench rebuild', max: 4 })
const listener = openListener(url!)
const reader = brokers ? kafkaReader(db, { brokers: brokers.split(','), prefix }) : postgresReader(db, listener)
const idleBytes = process.memoryUsage.rss()

/** What rebuilds one after the other came to: how many a second, and the pace of their reading on average. */
export interface RepeatedReport {
  perSecond: number
  pace: number
}

/** Repeats rebuilds until told to stop. */
async function again() {
  let stopped = false
  process.once('message', () => {
    stopped = true
  })
  process.send!('began')
  const from = performance.now()
  const paces: number[] = []
  const onProgress = ({ phase, pace }: Progress) => {
    if (phase === 'read') paces.push(pace)
  }
  let rebuilds = 0
  for (; !stopped; rebuilds++) await rebuild(notesView, { db, reader, onProgress })
  const report: RepeatedReport = {
    perSecond: (rebuilds * 1_000) / (performance.now() - from),
    pace: paces.reduce((sum, pace) => sum + pace, 0) / paces.length,
  }
  process.send!(report)
}

async function once() {
  const { events, rows, tookMs } = (await rebuild(notesView, { db, reader }))!
  const report: RebuildReport = { events, rows, tookMs, peakBytes: process.resourceUsage().maxRSS * 1024, idleBytes }
  process.send!(report)
}

await (mode === 'again' ? again() : once())
await reader.close()
await listener.close()
await db.close()
process.disconnect()
