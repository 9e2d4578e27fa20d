import pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import type { RareField, Replayed } from '#events/kit/envelope.ts'
import { withLowPriority } from '#platform/pg/backend.ts'
import type { Db } from '#platform/pg/pool.ts'
import type { HistoryQuery, Positions, TakeHistory } from '../port.ts'
import { COPY_FORMAT, Fields, openRows } from './copy-fields.ts'
import { lagsOf } from './lags.ts'

const literal = pg.escapeLiteral

const COLUMNS = 'partition, pos, version, schema, time, stream, type'

const RARE: Readonly<Record<RareField, string>> = {
  id: 'id',
  key: 'key',
  actor: 'actor',
  correlationId: 'correlation_id',
  causationId: 'causation_id',
  traceparent: 'traceparent',
}

/**
 * Several partitions are read together, in position order, when they have at least this share of the log's events. In position order,
 * in which the table lies, an event costs Postgres 1 µs, by the index of its partition 2.5 µs; but the scan also passes the events of
 * other partitions, at some 0.2 µs each.
 */
const WORTH_A_SCAN = 1 / 9

/**
 * Read stream after stream, an event in memory costs Postgres about as much as in position order, but the scan also passes the events of
 * other topics. And it jumps from page to page of a table that lies in position order, so the table must be in memory: the planner's
 * `effective_cache_size` tells how much of it can be.
 */
const WORTH_BY_STREAM = 1 / 3
const LOG = `
  select coalesce(max(pos), 0) as head,
         pg_table_size('log.events') + pg_relation_size('log.events_stream_version_key') <= pg_size_bytes(current_setting('effective_cache_size')) as "isInMemory" from log.events`

/** Reads the history of partitions from the embedded log, as a stream: by COPY, with only the columns that folds use. */
export async function copyHistory(db: Db, query: HistoryQuery, take: TakeHistory): Promise<void> {
  const { topic, after, upTo } = query
  const partitions = [...upTo].filter(([partition, last]) => last > (after.get(partition) ?? 0))
  if (partitions.length === 0) return
  const together = partitions.length > 1 && (await countOf(db, topic, upTo)) >= WORTH_A_SCAN * lastOf(upTo)
  for (const some of together ? [partitions] : partitions.map((one) => [one])) {
    const part = { ...query, upTo: new Map(some) }
    await copyOut(db, part, eventsOf(part), take)
  }
}

/** The same, stream after stream. @returns false, without reading, when these partitions have too small a share of the log, or it does not fit into memory */
export async function copyHistoryByStream(db: Db, query: HistoryQuery, take: TakeHistory): Promise<boolean> {
  const { topic, upTo } = query
  if (upTo.size === 0) return false
  const [log] = await db.query<{ head: number; isInMemory: boolean }>('log.size', LOG)
  if (!log!.isInMemory || (await countOf(db, topic, upTo)) < WORTH_BY_STREAM * log!.head) return false
  const which = `topic = ${literal(topic)} and partition in (${[...upTo.keys()]}) and pos <= ${lastOf(upTo)}`
  await copyOut(db, query, `${which} order by stream, version`, take)
  return true
}

const lastOf = (upTo: Positions) => Math.max(...upTo.values())

/** How many events these partitions have. */
async function countOf(db: Db, topic: string, upTo: Positions): Promise<number> {
  const place = { topic: { name: topic, partitions: Math.max(...upTo.keys()) + 1 }, after: new Map() }
  const [behind] = await lagsOf(db, [place], lastOf(upTo))
  return behind!.reduce((sum, { partition, events = 0 }) => sum + (upTo.has(partition) ? events : 0), 0)
}

/** Without these the planner may sort all events before it returns the first. */
const PLAN = `begin read only; set local enable_sort = off; set local enable_seqscan = off; set local enable_bitmapscan = off`

/** The rows of one partition are compared whole, as in reader.ts; those of several are read in the order of the primary key. */
function eventsOf({ topic, after, upTo }: HistoryQuery): string {
  const name = literal(topic)
  const [[partition, last], ...others] = [...upTo] as [[number, number]]
  const first = Math.min(...[...upTo.keys()].map((partition) => after.get(partition) ?? 0))
  return others.length === 0
    ? `(topic, partition, pos) > (${name}, ${partition}, ${after.get(partition) ?? 0}) and (topic, partition, pos) <= (${name}, ${partition}, ${last})
          order by topic, partition, pos`
    : `topic = ${name} and partition in (${[...upTo.keys()]}) and pos > ${first} and pos <= ${lastOf(upTo)} order by pos`
}

/** @param which events, and in what order */
const copyOut = (db: Db, query: HistoryQuery, which: string, take: TakeHistory): Promise<void> =>
  db.connection((client) => withLowPriority(client, () => copyOver(client, query, which, take)))

async function copyOver(client: pg.PoolClient, query: HistoryQuery, which: string, take: TakeHistory): Promise<void> {
  await client.query(PLAN)
  const columns = [COLUMNS, ...query.uses.map((field) => RARE[field]), 'data']
  const stream = client.query(copyTo(`copy (select ${columns} from log.events where ${which}) to stdout ${COPY_FORMAT}`))
  const rows = openRows()
  const eventsIn = eventReader(query)
  try {
    for await (const chunk of stream) {
      const events = eventsIn(rows.in(chunk))
      if (events.length > 0) await take(events)
    }
  } catch (error) {
    // The server still sends. Closing the connection ends that, and the pool replaces it.
    await client.end()
    throw error
  }
  await client.query('commit')
}

/**
 * The same text without the rows that it was cut from. A substring keeps the whole of them in memory, and a view's row may keep the
 * substring.
 */
const apart = (text: string) => Buffer.from(text).toString()

/** Returns a function that reads the events of whole rows. */
function eventReader({ topic, after, upTo, uses }: HistoryQuery): (rows: string) => Replayed[] {
  /** One string for each type. */
  const types = new Map<string, string>()
  const typeOf = (text: string) => {
    let type = types.get(text)
    if (type === undefined) {
      type = apart(text)
      types.set(type, type)
    }
    return type
  }
  return (rows) => {
    const events: Replayed[] = []
    const fields = new Fields(rows)
    while (!fields.isAtEnd) {
      const event: Replayed & Partial<Record<RareField, string | null>> = {
        topic,
        partition: fields.number(),
        pos: fields.number(),
        version: fields.number(),
        schema: fields.number(),
        time: fields.number(),
        stream: fields.text(),
        type: typeOf(fields.text()),
        data: '',
      }
      for (const field of uses) event[field] = apart(fields.text()) || null
      event.data = fields.last()
      const { partition, pos } = event
      if (pos <= upTo.get(partition)! && pos > (after.get(partition) ?? 0)) events.push(event)
    }
    return events
  }
}
