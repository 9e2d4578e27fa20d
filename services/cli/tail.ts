import { Command, InvalidArgumentError } from 'commander'
import type { Recorded } from '#events/kit/envelope.ts'
import { openBell } from '#platform/bell.ts'
import type { Reader } from '#platform/log/port.ts'
import { positionAt } from '#platform/log/postgres/moment.ts'
import type { Listener } from '#platform/pg/listen.ts'
import { OperatorError } from '#platform/service.ts'
import type { Places } from '#services/operations/topics/chosen.ts'
import { type Filter, matches, type Where, whereOf } from '#services/operations/topics/filter.ts'
import { narrowed } from '#services/operations/topics/narrowed.ts'
import { forwards, headOf, search } from '#services/operations/topics/search.ts'
import { connected } from './connect.ts'
import { wholeNumber } from './numbers.ts'

interface Options {
  topic?: string
  stream?: string
  key?: string
  type: string[]
  where: Where[]
  from?: 'now' | number
  at?: number
  limit?: number
  backwards?: boolean
  follow: boolean
  json?: boolean
}

/** Polls this often, in case a wake-up is lost. */
const SAFETY_NET_MS = 1_000
/** Backwards, without --limit: about a screen of events. */
const LIMIT_BACKWARDS = 20

const from = (value: string): Options['from'] => {
  if (value === 'now' || /^\d+$/.test(value)) return value === 'now' ? value : Number(value)
  throw new InvalidArgumentError('It takes a position (0 is the beginning) or "now".')
}

const time = (value: string): number => {
  const at = Date.parse(value)
  if (Number.isNaN(at)) throw new InvalidArgumentError('It takes a moment, for example 2026-11-28T05:00Z.')
  return at
}

const where = (value: string, before: Where[]): Where[] => {
  const one = whereOf(value)
  if (!one) throw new InvalidArgumentError('It takes field=value, for example videoId=dQw4w9WgXcQ.')
  return [...before, one]
}

export const tailCommand = (): Command =>
  new Command('tail')
    .description('print events, in the order of the log: as they are appended, or from a given place on')
    .option('--topic <name>', 'only of this topic, for example vidwiz.notes (or just notes)')
    .option('--stream <name>', 'only of this stream, for example note-42')
    .option('--key <key>', 'only with this key: the video or the user that decides on the partition')
    .option(
      '--type <name>',
      'only of this type, for example NoteCreated; may be given several times',
      (name: string, before: string[]) => [...before, name],
      [],
    )
    .option('--where <field=value>', 'only with this value in the payload (study.language=en); several: all of them', where, [])
    .option('--from <position>', 'begin after this position; 0 is the beginning; now if not given', from)
    .option('--at <time>', 'begin at this moment, for example 2026-11-28T05:00Z', time)
    .option('--backwards', 'from there back towards the beginning, the newest first')
    .option('--limit <n>', `stop after this many; backwards ${LIMIT_BACKWARDS} if not given`, wholeNumber)
    .option('--no-follow', 'stop at the end instead of waiting for more')
    .option('--json', 'one JSON object per line, envelope and payload')
    .action((options: Options) => tail(options))

async function tail(options: Options): Promise<void> {
  const { topic, stream, key, type: types, where, at, backwards, json } = options
  if (options.from !== undefined && at !== undefined) throw new OperatorError('give either --from or --at')
  const filter: Filter = { stream, key, types, where }
  const print = (event: Recorded) => console.log(json ? asJson(event) : asLine(event))
  await connected(async ({ db, reader, listener }) => {
    const places = await narrowed(db, filter, topic)
    const stopping = new AbortController()
    process.once('SIGINT', () => stopping.abort())
    process.once('SIGTERM', () => stopping.abort())
    const start = at === undefined ? options.from : await positionAt(db, at)
    const { signal } = stopping
    const begin = start === undefined || start === 'now' ? await headOf(reader, places) : start
    const wanted = { places, filter, begin, limit: options.limit, signal, isFollowing: options.follow }
    await (backwards ? back(reader, wanted, print) : on(reader, listener, wanted, print))
  })
}

interface Wanted {
  places: Places
  filter: Filter
  /** Forwards: the position before the first event. Backwards: the position of the first event. */
  begin: number
  limit: number | undefined
  isFollowing: boolean
  signal: AbortSignal
}

/** Forwards, and on as the log grows. */
async function on(reader: Reader, listener: Listener, wanted: Wanted, print: (event: Recorded) => void): Promise<void> {
  const { places, filter, signal, isFollowing } = wanted
  const bell = openBell()
  listener.on('log', bell.ring)
  signal.addEventListener('abort', bell.ring)
  let left = wanted.limit ?? Number.POSITIVE_INFINITY
  for (let after = wanted.begin; !signal.aborted && left > 0; ) {
    bell.hush()
    const upTo = await headOf(reader, places)
    for await (const { events } of forwards(reader, places, after, upTo)) {
      for (const event of events) {
        if (left <= 0 || !matches(event, filter)) continue
        print(event)
        left--
      }
      if (signal.aborted || left <= 0) return
    }
    after = Math.max(after, upTo)
    if (!isFollowing || signal.aborted) return
    await bell.wait(SAFETY_NET_MS)
  }
}

async function back(reader: Reader, wanted: Wanted, print: (event: Recorded) => void): Promise<void> {
  const { places, filter, begin, limit = LIMIT_BACKWARDS, signal } = wanted
  const bounds = { limit, most: Number.POSITIVE_INFINITY, signal }
  const found = await search(reader, { places, filter, direction: 'backwards', from: begin + 1, ...bounds })
  for (const event of found.events) print(event)
  if (found.why !== 'end') console.error(`searched ${found.searched} events; continue with --backwards --from ${found.next - 1}`)
}

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
