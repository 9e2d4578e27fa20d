import { Command, InvalidArgumentError } from 'commander'
import type { Recorded } from '#events/kit/envelope.ts'
import { topics } from '#events/topics.ts'
import type { Reader } from '#platform/log/port.ts'
import { Trouble } from '#platform/service.ts'
import { connected } from './connect.ts'

interface Options {
  topic?: string
  stream?: string
  type?: string
  from: 'now' | number
  follow: boolean
  json?: boolean
}

const PAGE = 1_000
/** Looks anyway after this long, should a wake-up be lost. */
const SAFETY_NET_MS = 1_000

const from = (value: string): Options['from'] => {
  if (value === 'now' || /^\d+$/.test(value)) return value === 'now' ? value : Number(value)
  throw new InvalidArgumentError('It takes a position (0 is the beginning) or "now".')
}

export const tailCommand = (): Command =>
  new Command('tail')
    .description('print events as they are appended, in the order of the log')
    .option('--topic <name>', 'only of this topic, for example vidwiz.notes (or just notes)')
    .option('--stream <name>', 'only of this stream, for example note-42')
    .option('--type <name>', 'only of this type, for example NoteCreated')
    .option('--from <position>', 'begin after this position; 0 is the beginning', from, 'now')
    .option('--no-follow', 'stop at the end instead of waiting for more')
    .option('--json', 'one JSON object per line, envelope and payload')
    .action((options: Options) => tail(options))

async function tail(options: Options): Promise<void> {
  const chosen = topics.filter(
    (topic) => !options.topic || [topic.name, topic.name.replace('vidwiz.', '')].includes(options.topic),
  )
  if (chosen.length === 0) throw new Trouble(`no topic is called ${options.topic}: ${topics.map((t) => t.name).join(', ')}`)
  const wanted = (event: Recorded) =>
    (!options.stream || event.stream === options.stream) && (!options.type || event.type === options.type)
  const print = options.json ? asJson : asLine

  await connected(async ({ reader, listener }) => {
    let wake = () => {}
    listener.on('log', () => wake())
    const stopping = new AbortController()
    process.once('SIGINT', () => {
      stopping.abort()
      wake()
    })
    process.once('SIGTERM', () => {
      stopping.abort()
      wake()
    })
    let after = options.from === 'now' ? await head(reader) : options.from
    while (!stopping.signal.aborted) {
      const upTo = await head(reader)
      for await (const event of between(reader, chosen, after, upTo)) if (wanted(event)) console.log(print(event))
      after = Math.max(after, upTo)
      if (!options.follow) return
      await new Promise<void>((resolve) => {
        wake = resolve
        setTimeout(resolve, SAFETY_NET_MS).unref()
        if (stopping.signal.aborted) resolve()
      })
    }
  })
}

/** The last position of all topics. What was appended before it can be read, so nothing is printed out of order. */
async function head(reader: Reader): Promise<number> {
  const heads = await Promise.all(topics.map((topic) => reader.heads(topic)))
  return Math.max(0, ...heads.flatMap((positions) => [...positions.values()]))
}

/** The events of several topics merged by position, a page of each at a time. */
async function* between(reader: Reader, chosen: typeof topics, after: number, upTo: number): AsyncGenerator<Recorded> {
  let from = after
  while (from < upTo) {
    const pages = await Promise.all(
      chosen.map((topic) => reader.read({ topic: topic.name, after: everyPartition(topic.partitions, from), upTo, limit: PAGE })),
    )
    // A full page may hide what another topic's page already shows: go no further than the shortest full one.
    const safe = Math.min(upTo, ...pages.filter((page) => page.length === PAGE).map((page) => page.at(-1)!.pos))
    yield* pages
      .flat()
      .filter((event) => event.pos <= safe)
      .sort((a, b) => a.pos - b.pos)
    from = safe
  }
}

const everyPartition = (partitions: number, pos: number) =>
  new Map(Array.from({ length: partitions }, (_, partition) => [partition, pos]))

const asJson = ({ data, ...envelope }: Recorded) => `${JSON.stringify(envelope).slice(0, -1)},"data":${data}}`

const asLine = (event: Recorded) =>
  [
    String(event.pos).padStart(8),
    new Date(event.time).toISOString(),
    `${event.topic}/${event.partition}`.padEnd(18),
    `${event.stream}@${event.version}`.padEnd(30),
    event.type.padEnd(20),
    event.data,
  ].join('  ')
