import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { Positions, Reader } from '#platform/log/port.ts'
import { isRefusal } from '#platform/pg/errors.ts'
import { inTransaction } from '#platform/pg/pool.ts'
import type { Row } from './fold.ts'
import type { Reading } from './reading.ts'
import type { Replay } from './replay-fold.ts'
import { ReplayStopped } from './replay-stopped.ts'
import { ROW_BYTES } from './row-size.ts'
import { copyLine, copyText, liveOf } from './table.ts'
import type { View } from './view.ts'

/** The state of a live view: its checkpoints, and the events that it parked or skipped. */
export interface Standing {
  positions: Positions
  /** Position of a stream's first parked event, by stream. */
  parkedFrom: ReadonlyMap<string, number>
  /** Positions of skipped events. */
  skipped: ReadonlySet<number>
}

/** Reads a view's standing. Needs a transaction with one snapshot. */
export async function standing(tx: pg.PoolClient, view: View): Promise<Standing> {
  const at = inTransaction(tx)
  const positions = await at.query<{ partition: number; pos: number }>(
    'standing.positions',
    'select partition, pos from log.checkpoints where consumer = $1 and topic = $2 and pos > 0 order by partition',
    [view.name, view.topic.name],
  )
  const letters = await at.query<{ stream: string; pos: number; skipped: boolean }>(
    'standing.letters',
    `select stream, pos, state = 'skipped' as skipped from log.dead_letters where consumer = $1 order by pos desc`,
    [view.name],
  )
  return {
    positions: new Map(positions.map(({ partition, pos }) => [partition, pos])),
    parkedFrom: new Map(letters.filter((l) => !l.skipped).map(({ stream, pos }) => [stream, pos])),
    skipped: new Set(letters.filter((l) => l.skipped).map(({ pos }) => pos)),
  }
}

/** Number of events in a view's topic. */
export const sizeOf = async (reader: Reader, { topic }: View) => {
  const start: Positions = new Map(Array.from({ length: topic.partitions }, (_, partition) => [partition, 0]))
  return (await reader.behind(topic, start)).reduce((sum, { events }) => sum + events, 0)
}

const CHUNK_CHARS = 64 * 1024

/**
 * Replays history straight into a table, by COPY.
 *
 * @returns the number of rows
 * @throws ReplayStopped for an event that cannot be applied, or a row that the database refuses
 */
export async function loadReplay(
  client: pg.PoolClient,
  table: string,
  { reading, ...from }: Omit<Replay, 'take'> & { reading: Reading },
): Promise<number> {
  let rows = 0
  await reading.join({
    expectedBytes: await liveBytes(client, from.view),
    ...from,
    async take(portions) {
      rows += await copyRows(client, table, from.view, { portions, pause: reading.pauses() })
    },
  })
  return rows
}

/** Rough size of the live view's rows in memory; 0 when there is no such view yet. */
async function liveBytes(client: pg.PoolClient, view: View): Promise<number> {
  const { rows } = await client.query(
    'select pg_relation_size(oid) as bytes, greatest(reltuples, 0) as rows from pg_class where oid = to_regclass($1)',
    [liveOf(view).table],
  )
  return rows.reduce((sum, found) => sum + found.bytes + found.rows * ROW_BYTES, 0)
}

interface Copying {
  portions: Iterable<Iterable<Row>>
  /** Called after each chunk. */
  pause(): Promise<void> | undefined
}

/** Copies rows into a table. @returns their number */
async function copyRows(client: pg.PoolClient, table: string, view: View, { portions, pause }: Copying): Promise<number> {
  const line = copyLine(view)
  let count = 0
  async function* chunks() {
    let chunk = ''
    for (const rows of portions)
      for (const row of rows) {
        chunk += line(row)
        count++
        if (chunk.length < CHUNK_CHARS) continue
        yield chunk
        chunk = ''
        await pause()
      }
    yield chunk
  }
  try {
    await pipeline(Readable.from(chunks(), { objectMode: true, highWaterMark: 1 }), client.query(copyFrom(copyText(view, table))))
  } catch (error) {
    if (isRefusal(error))
      throw new ReplayStopped(view, `makes a row that the database refuses (${(error as pg.DatabaseError).where})`, error)
    throw error
  }
  return count
}

/** Whether the live view has left this event out: it skipped it, or its stream was parked before. Undefined when it left none out. */
export const leftOut = ({ parkedFrom, skipped }: Standing): Replay['leaveOut'] =>
  parkedFrom.size + skipped.size === 0
    ? undefined
    : ({ pos, stream }) => skipped.has(pos) || pos >= (parkedFrom.get(stream) ?? Number.POSITIVE_INFINITY)

/** Runs `work` in a transaction on a connection that stays open afterwards. */
export async function transaction<T>(client: pg.PoolClient, begin: string, work: () => Promise<T>): Promise<T> {
  await client.query(begin)
  try {
    const result = await work()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

/** Begins a transaction whose reads all see one snapshot. */
export const SNAPSHOT = 'begin isolation level repeatable read'
