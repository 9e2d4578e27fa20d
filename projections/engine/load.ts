import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { Positions, Reader } from '#platform/log/port.ts'
import { isRefusal } from '#platform/pg/errors.ts'
import { inTransaction } from '#platform/pg/pool.ts'
import type { LeftOut } from './left-out.ts'
import type { Load } from './lines.ts'
import type { Reading } from './reading.ts'
import { ReplayStopped } from './replay-stopped.ts'
import { ROW_BYTES } from './row-size.ts'
import { copyText, liveOf } from './table.ts'
import type { View } from './view.ts'

/** The state of a live view: its checkpoints, and the events that it parked or skipped. */
export interface Standing extends LeftOut {
  positions: Positions
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
export const sizeOf = async (reader: Reader, { topic }: View) =>
  (await reader.behind(topic, new Map())).reduce((sum, { events }) => sum + events, 0)

/**
 * Replays history straight into a table, by COPY.
 *
 * @returns the number of rows
 * @throws ReplayStopped for an event that cannot be applied, or a row that the database refuses
 */
export async function loadReplay(
  client: pg.PoolClient,
  table: string,
  { reading, ...from }: Omit<Load, 'take'> & { reading: Reading },
): Promise<number> {
  let rows = 0
  await reading.join({
    expectedBytes: await liveBytes(client, from.view),
    ...from,
    async take(lines) {
      rows += await copy(client, table, from.view, lines)
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

/** Copies lines into a table. @returns the number of rows */
async function copy(client: pg.PoolClient, table: string, view: View, lines: Readable): Promise<number> {
  const into = client.query(copyFrom(copyText(view, table)))
  try {
    await pipeline(lines, into)
  } catch (error) {
    if (isRefusal(error))
      throw new ReplayStopped(view, `makes a row that the database refuses (${(error as pg.DatabaseError).where})`, error)
    throw error
  }
  return into.rowCount
}

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
