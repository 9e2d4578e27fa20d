import type { Queryable } from '#platform/pg/pool.ts'
import type { Place } from '../port.ts'
import type { Fetcher } from './fetch.ts'

const RUNS = `
  select p.pos, before.pos as "knownPos", before."offset" as "knownOffset", beyond."offset" as "upTo"
    from unnest($1::text[], $2::int[], $3::bigint[]) p(topic, partition, pos)
    left join lateral (
      select o.pos, o."offset" from log.offsets o where o.topic = p.topic and o.partition = p.partition and o.pos <= p.pos
       order by o.pos desc limit 1) before on true
    left join lateral (
      select o."offset" from log.offsets o where o.topic = p.topic and o.partition = p.partition and o.pos >= p.pos
       order by o.pos limit 1) beyond on true`

/** Most fetches for all events together, so that a person does not wait long. A run of 1000 offsets takes a few. */
const MOST_FETCHES = 40

interface Where {
  db: Queryable
  fetcher: Fetcher
  /** The name of a topic in Kafka. */
  kafkaName(topic: string): string
}

/**
 * The Kafka offsets of some events. `log.offsets` tells the run of 1000 offsets that an event is in; its records are then searched.
 *
 * @returns by position; without events that are not published yet, or would take too many fetches
 */
export async function offsetsOf({ db, fetcher, kafkaName }: Where, places: readonly Place[]): Promise<Map<number, number>> {
  const offsets = new Map<number, number>()
  const rows = await db.query<{ pos: number; knownPos: number | null; knownOffset: number | null; upTo: number | null }>(
    'offsets.runs',
    RUNS,
    [places.map(({ topic }) => topic), places.map(({ partition }) => partition), places.map(({ pos }) => pos)],
  )
  const runs = new Map(rows.map((row) => [row.pos, row]))
  let fetches = 0
  for (const { topic, partition, pos } of places.toSorted((a, b) => a.pos - b.pos)) {
    const run = runs.get(pos)
    if (run?.knownPos === pos) offsets.set(pos, run.knownOffset!)
    if (!run || run.upTo === null || offsets.has(pos)) continue
    const wanted = new Set(places.filter((one) => one.topic === topic && one.partition === partition).map((one) => one.pos))
    for (let from = (run.knownOffset ?? -1) + 1; from <= run.upTo && !offsets.has(pos) && fetches < MOST_FETCHES; ) {
      fetches++
      const fetched = (await fetcher.fetch(kafkaName(topic), new Map([[partition, from]]))).get(partition)
      if (!fetched || fetched.next === from) break
      for (const { offset, headers } of fetched.messages) {
        const found = Number(headers?.ce_pos?.toString())
        // If a relay published an event twice, the first record counts.
        if (wanted.has(found) && !offsets.has(found)) offsets.set(found, Number(offset))
      }
      from = fetched.next
    }
  }
  return offsets
}
