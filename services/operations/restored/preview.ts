import { topics } from '#events/topics.ts'
import type { Settings } from '#platform/config/settings.ts'
import { type Aliens, check, type Disagreement } from '#platform/log/kafka/check.ts'
import { openKafka, SOON } from '#platform/log/kafka/client.ts'
import { openFetcher } from '#platform/log/kafka/fetch.ts'
import { offsetsBeyond } from '#platform/log/kafka/offsets.ts'
import { kafkaOptions } from '#platform/log/kafka/options.ts'
import { ALL, type Gap, gapsInWords, gapsOf } from '#platform/log/postgres/gaps.ts'
import { readTimeline, type Timeline } from '#platform/log/timeline.ts'
import { OperatorError } from '#platform/operator-error.ts'
import type { Queryable } from '#platform/pg/pool.ts'

/** The state of a log that went back in time, and where it would continue. */
export interface Restoration {
  timeline: Timeline
  /** The last position in the database, and when it was appended; `headAt` is null when the log is empty. */
  head: number
  headAt: number | null
  /** Differences between Kafka's topics and the log; undefined on the embedded log. */
  kafka: Disagreement | undefined
  /** Events that are gone from the middle of the log. */
  gone: { gone: number; gaps: Gap[] }
  /** Consumers whose checkpoints are beyond the end of the log. */
  ahead: string[]
  /** Positions up to this one are never assigned again. */
  floor: number
  /** How many ids of users, videos, notes and the like are left out. */
  skip: number
  /** The relay continues after this position, because topics lost records; undefined when they did not. */
  republishFrom: number | undefined
}

export interface PreviewOptions {
  /** Must exceed the number of events appended after the backup. */
  skip: number
  /** Compares everything in the topics, not only records that some consumer has yet to read. */
  thorough?: boolean | undefined
  /** Gets the number of records read from Kafka so far. */
  onRead?(records: number): void
}

const STAND = `
  select (select coalesce(max(pos), 0) from log.events) as head,
         (select time from log.events order by pos desc limit 1) as "headAt",
         (select pruned from log.timeline) as pruned,
         (select pos from log.relay) as relay,
         (select coalesce(max(pos), 0) from log.checkpoints) as furthest,
         array(select distinct consumer from log.checkpoints
                where pos > (select coalesce(max(pos), 0) from log.events) order by 1) as ahead`

interface Stand {
  head: number
  headAt: number | null
  pruned: boolean
  relay: number
  furthest: number
  ahead: string[]
}

/**
 * Tells what the log lost and what restoring it would do. Changes nothing.
 * @throws OperatorError when Kafka lost events that the database no longer has
 */
export async function previewRestoration(
  db: Queryable,
  settings: Settings,
  { skip, thorough, onRead }: PreviewOptions,
): Promise<Restoration> {
  const timeline = await readTimeline(db)
  const [stand] = await db.query<Stand>('restored.stand', STAND)
  const { head, headAt, pruned, relay, furthest, ahead } = stand!
  if (relay > 0 && !kafkaOptions(settings))
    throw new OperatorError('the log was published to Kafka, and KAFKA_BROKERS is not set: set it as the services have it')
  const kafka = await disagreementOf(db, settings, { thorough, onRead })
  const highest = Math.max(head, timeline.floor, relay, furthest, ...(kafka?.aliens ?? []).map(({ pos }) => pos))
  const republishFrom = kafka?.shortened.length ? await lastKeptOf(db, kafka.shortened) : undefined
  if (republishFrom !== undefined && pruned)
    throw new OperatorError(
      `topics lost events from position ${republishFrom + 1} on, and the database was pruned: restore Kafka from a backup of its own`,
    )
  const gone = await gapsOf(db, ALL)
  return { timeline, head, headAt, kafka, gone, ahead, floor: highest + skip, skip, republishFrom }
}

async function disagreementOf(
  db: Queryable,
  settings: Settings,
  { thorough, onRead }: Pick<PreviewOptions, 'thorough' | 'onRead'>,
): Promise<Disagreement | undefined> {
  const options = kafkaOptions(settings)
  if (!options) return undefined
  const { kafka, close } = openKafka('vidwiz restored', options, SOON)
  const fetcher = openFetcher(kafka)
  try {
    const kafkaName = (topic: string) => (options.prefix ?? '') + topic
    const from = thorough ? FIRST : await beginnings(db)
    return await check({ db, fetcher, kafkaName, topics, from, onRead })
  } finally {
    await fetcher.close().catch(() => {})
    close()
  }
}

/** The first offset of each partition. */
const FIRST = new Map(
  topics.flatMap(({ name, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => [`${name} ${partition}`, 0] as const),
  ),
)

const LOWEST = `
  select topic, partition, min(pos) as pos from log.checkpoints where consumer not like '%~%' group by topic, partition`

/** Where to begin in each partition: at the lowest checkpoint, because consumers stop before a record that the log lacks. */
async function beginnings(db: Queryable): Promise<Map<string, number>> {
  const lowest = await db.query<{ topic: string; partition: number; pos: number }>('restored.lowest', LOWEST)
  const from = new Map<string, number>()
  for (const [topic, places] of Map.groupBy(lowest, (one) => one.topic)) {
    const offsets = await offsetsBeyond(db, topic, new Map(places.map(({ partition, pos }) => [partition, pos])))
    // One record earlier: if that is missing, the topic was shortened.
    for (const [partition, offset] of offsets) from.set(`${topic} ${partition}`, Math.max(0, offset - 1))
  }
  return from
}

/** The last position before everything that the topics lost. */
async function lastKeptOf(db: Queryable, shortened: Disagreement['shortened']): Promise<number> {
  const lastKept = await Promise.all(
    shortened.map(async ({ topic, partition, kept }) => {
      const [row] = await db.query<{ pos: number }>(
        'restored.kept',
        'select coalesce(max(pos), 0) as pos from log.offsets where topic = $1 and partition = $2 and "offset" < $3',
        [topic, partition, kept],
      )
      return row!.pos
    }),
  )
  return Math.min(...lastKept)
}

const number = (n: number) => n.toLocaleString('en-US')
const countOf = (aliens: readonly Aliens[]) => aliens.reduce((sum, { first, last }) => sum + last - first + 1, 0)

/** The effect of restoring, in lines for people. */
export function restorationLines({
  timeline,
  head,
  headAt,
  kafka,
  gone,
  ahead,
  floor,
  skip,
  republishFrom,
}: Restoration): string[] {
  const lines = [
    headAt === null
      ? 'The log is empty.'
      : `The log ends at position ${number(head)}, appended ${new Date(headAt).toISOString()}: what was written later is lost.`,
  ]
  if (gone.gone > 0)
    lines.push(
      `${gapsInWords({ gone: gone.gone, gaps: gone.gaps.slice(0, 10) })}: they are given up, and replays go on without them. To keep them, bring them back from a backup first.`,
    )
  if (timeline.halted !== null) lines.push(`It is halted: ${timeline.halted}.`)
  for (const [where, aliens] of Map.groupBy(kafka?.aliens ?? [], ({ topic, partition }) => `${topic}/${partition}`))
    lines.push(`${where} holds ${number(countOf(aliens))} records that the log does not have: readers will skip them.`)
  for (const { topic, partition, end, kept, published } of kafka?.shortened ?? [])
    if (kept < end) lines.push(`${topic}/${partition} was recreated: the first ${number(published + 1)} records are not in it.`)
    else lines.push(`${topic}/${partition} ends at offset ${number(end - 1)}, though ${number(published)} was published.`)
  if (republishFrom !== undefined) lines.push(`The relay publishes again from position ${number(republishFrom + 1)} on.`)
  if (ahead.length > 0)
    lines.push(`${ahead.join(', ')} are beyond the end of the log: views are rebuilt, the others continue from its end.`)
  lines.push(
    `Positions continue after ${number(floor)}; ids of users, videos, notes and so on continue ${number(skip)} further. No position or id is used twice, so an old token, link or position gives no access to new data.`,
    `The epoch becomes ${timeline.epoch + 1}: all services restart by themselves.`,
    'Tokens and passwords that were revoked or changed after the backup are as they were before. To void all tokens, change SECRET_KEY as well.',
  )
  return lines
}
