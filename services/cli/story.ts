import { Command } from 'commander'
import { pasteable } from '#platform/config/pasteable.ts'
import { readSettings } from '#platform/config/settings.ts'
import { moreOf } from '#services/operations/story/more.ts'
import { jsonOf, linesOf } from '#services/operations/story/print.ts'
import { fromKafka, LIMIT, tell } from '#services/operations/story/tell.ts'
import { oneLine } from '#services/operations/story/text.ts'
import { type Connection, connected } from './connect.ts'
import { wholeNumber } from './numbers.ts'

/** Maximum number of sentences printed. */
const MOST_SENTENCES = 20

interface Options {
  limit: number
  more?: boolean
  json?: boolean
}

export const storyCommand = (): Command =>
  new Command('story')
    .description('the history of something, from the request of a client on: which event caused which, and what it waits for')
    .argument(
      '<what>',
      `a stream (note-42, video-dQw4w9WgXcQ, ai-note-42, media-dQw4w9WgXcQ, user-7 …) or just its id, the id of an event, of an
operation, of a message in a queue of SQS, an X-Request-ID, or a trace (its 32 digits, or a traceparent)`,
    )
    .option('--limit <n>', 'at most this many events, beside their causes; if there are more, the newest', wholeNumber, LIMIT)
    .option('--more', 'also the place of each event in the log and in Kafka, and which consumers applied it when')
    .option('--json', 'one JSON object, with all of that')
    .action((what: string, options: Options) => connected((connection) => print(what, options, connection), { indexed: true }))

async function print(what: string, { limit, more, json }: Options, { db, reader }: Connection): Promise<void> {
  const story = await tell({ db, reader, settings: readSettings() }, what, { limit, isFull: more || json })
  const { roots, known, meant, sentences, isCut, prunedBefore, subject, withoutOffsets } = story
  if (json) {
    const requests = jsonOf(roots, ({ id }) => known.get(id)!)
    console.log(JSON.stringify({ subject, meant, isCut, prunedBefore, withoutOffsets, sentences, requests }))
    return
  }
  const lines = linesOf(
    roots,
    ({ id }) => meant.includes(id),
    (event) => (more ? moreOf(event, known.get(event.id)!).map(oneLine) : []),
  )
  for (const line of lines) console.log(line)
  const left = sentences.length - MOST_SENTENCES
  const remarks = [
    ...sentences.slice(0, MOST_SENTENCES),
    ...(left > 0 ? [`… and ${left} more such sentences; what waits is listed by: npx vidwiz requests`] : []),
    ...(isCut ? [`there are more events than ${limit}: --limit shows more of them`] : []),
    ...(more && withoutOffsets ? [`without offsets in Kafka: ${withoutOffsets}`] : []),
    ...(prunedBefore === null
      ? []
      : [`what lies before position ${prunedBefore} was pruned from the database; ${fromKafka(what)}`]),
  ]
  if (remarks.length > 0) console.log(pasteable(['', ...remarks].join('\n')))
}
