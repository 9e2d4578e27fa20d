import { Readable } from 'node:stream'
import type { Row } from './fold.ts'
import type { Replay } from './fold-history.ts'
import { copyLine } from './table.ts'
import type { View } from './view.ts'

/** A view to load from a history. As a replay, but its rows are taken as lines for COPY. */
export interface Load extends Omit<Replay, 'take'> {
  /** Takes lines of finished rows, in chunks. Called once or several times, one after the other. An error ends this load. */
  take(lines: Readable): Promise<void>
}

const CHUNK_CHARS = 64 * 1024

/** Rows of a view as lines for COPY, in chunks of about 64 KB. Drops each portion of rows once it is written. */
export async function* linesOf(view: View, portions: AsyncIterable<readonly Row[]>): AsyncGenerator<string> {
  const line = copyLine(view)
  let chunk = ''
  for await (const rows of portions)
    for (const row of rows) {
      chunk += line(row)
      if (chunk.length < CHUNK_CHARS) continue
      yield chunk
      chunk = ''
    }
  if (chunk) yield chunk
}

/** The replay of a load in the calling thread. */
export const asReplay = (load: Load): Replay => ({
  ...load,
  take(portions) {
    async function* chunks() {
      for await (const chunk of linesOf(load.view, portions)) {
        yield chunk
        // Throws when the load was cancelled.
        load.onRead?.(0)
      }
    }
    return load.take(Readable.from(chunks(), { objectMode: true, highWaterMark: 1 }))
  },
})
