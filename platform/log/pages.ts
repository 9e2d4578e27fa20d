import type { Recorded } from '#events/kit/envelope.ts'
import type { HistoryQuery, Reader, TakeHistory } from './port.ts'

const LARGEST = 2_000
const FIRST = 500
const PAGE_BYTES = 4 * 2 ** 20

/** Reads the history of partitions in pages, one partition after the other, and one page ahead of `take`. */
export async function pageHistory(read: Reader['read'], { topic, after, upTo }: HistoryQuery, take: TakeHistory): Promise<void> {
  for (const [partition, last] of upTo)
    for await (const page of pages(after.get(partition) ?? 0, (pos, limit) =>
      pos < last ? read({ topic, after: new Map([[partition, pos]]), upTo: last, limit, whole: true }) : Promise.resolve([]),
    ))
      await take(page)
}

/** Pages shrink when events are large. */
async function* pages(after: number, readFrom: (pos: number, limit: number) => Promise<Recorded[]>): AsyncGenerator<Recorded[]> {
  let limit = FIRST
  const begin = (pos: number) => {
    const reading = readFrom(pos, limit)
    // Avoids unhandledRejection if this page is never asked for.
    reading.catch(() => {})
    return reading
  }
  let next = begin(after)
  for (let page = await next; page.length > 0; page = await next) {
    const bytes = page.reduce((sum, { data }) => sum + data.length, 0)
    limit = Math.max(1, Math.min(LARGEST, limit * 4, Math.floor((page.length * PAGE_BYTES) / bytes)))
    next = begin(page.at(-1)!.pos)
    yield page
  }
}
