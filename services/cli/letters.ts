import { Argument, Command } from 'commander'
import { letters } from '#platform/log/consumers/letters.ts'
import { OperatorError } from '#platform/service.ts'
import { redriveRecorded, skipRecorded, summaryOf } from '#services/operations/parked/acts.ts'
import { assertKnown } from '#services/operations/parked/consumers.ts'
import { type Group, parkedGroups } from '#services/operations/parked/groups.ts'
import { type Redriven, type RedriveProgress, redriveAll } from '#services/operations/parked/redriving.ts'
import { whatSkipChanges } from '#services/operations/parked/skipping.ts'
import type { Selection } from '#services/operations/parked/stuck.ts'
import { connected } from './connect.ts'
import { wholeNumber } from './numbers.ts'
import { operating } from './operating.ts'

const consumerArgument = () => new Argument('<consumer>', 'a view, or another consumer such as fetch-scheduler')
const streamArgument = () => new Argument('<stream>', 'for example note-42')

/** `letters`, `redrive` and `skip`: for events that a consumer parked (P8). */
export const lettersCommands = (): Command[] => [
  new Command('letters')
    .description('list dead letters: events that a consumer could not handle, and those that wait behind them')
    .addArgument(consumerArgument().argOptional())
    .option('--group', 'by cause: kind of error, place in the code, message')
    .option('--stream <name>', 'only of this stream')
    .option('--limit <n>', 'at most this many', wholeNumber, 100)
    .option('--json', 'one JSON object per line, with the whole event')
    .action((consumer: string | undefined, { group, stream, limit, json }: ListOptions) =>
      connected(async ({ db }) => {
        if (consumer) await assertKnown(db, consumer)
        if (group) {
          const groups = await parkedGroups(db, { consumer: consumer ?? null, limit })
          if (groups.length === 0 && !json) console.log('nothing is parked')
          for (const group of groups) console.log(json ? JSON.stringify(group) : groupText(group))
          return
        }
        const found = await letters(db, { ...(consumer && { consumer }), ...(stream && { stream }), limit })
        if (found.length === 0 && !json) console.log('no dead letters')
        for (const letter of found) {
          const { event, pos, state, cause, error, place } = letter
          const why = [error && `[${[error, place].filter(Boolean).join(' at ')}]`, cause].filter(Boolean).join(' ')
          console.log(
            json
              ? JSON.stringify(letter)
              : `${letter.consumer}  ${pos}  ${event.stream}@${event.version}  ${event.type}  ${state}  ${why}`,
          )
        }
      }),
    ),
  new Command('redrive')
    .description('have parked events handled again, each stream in order: those of one stream, of a consumer, or of one cause')
    .addArgument(consumerArgument().argOptional())
    .addArgument(streamArgument().argOptional())
    .option('--all', 'all streams of the consumer')
    .option('--group <id>', 'all streams of one cause (npx vidwiz letters --group)')
    .option('--reason <text>', 'why; kept with the record of it')
    .option('--dry-run', 'change nothing: show what would happen')
    .action((consumer: string | undefined, stream: string | undefined, { all, group, reason, dryRun }: RedriveOptions) =>
      connected(async ({ db }) => {
        const selection = chosen({ consumer, stream, group }, all)
        if (consumer) await assertKnown(db, consumer)
        const progress = printer()
        const options = { onProgress: progress.show, signal: interrupted() }
        const result = dryRun
          ? await redriveAll(db, selection, { ...options, isDryRun: true })
          : await redriveRecorded(operating(db), selection, { ...options, reason })
        progress.end()
        print(result, stream, dryRun)
        if (result.untaken.length > 0 && stream)
          throw new OperatorError(`${result.untaken.join(', ')} has not tried them yet; it will when it runs`)
        if (result.parked > 0 || result.isCancelled) process.exitCode = 1
      }),
    ),
  new Command('skip')
    .description('give a failed event up, with a reason that is kept; then redrive what waits behind it')
    .addArgument(consumerArgument())
    .addArgument(streamArgument())
    .argument('<position>', 'of the failed event', wholeNumber)
    .requiredOption('--reason <text>', 'why it is given up')
    .option('--redrive', 'redrive what waits behind it in the same step')
    .option('--dry-run', 'change nothing: show what will differ')
    .action((consumer: string, stream: string, pos: number, { reason, redrive, dryRun }: SkipOptions) =>
      connected(async ({ db }) => {
        await assertKnown(db, consumer)
        const { says } = await whatSkipChanges(db, consumer, stream, pos)
        for (const sentence of says) console.log(sentence)
        if (dryRun) return
        const result = await skipRecorded(operating(db), { consumer, stream, pos, isRedriven: redrive }, reason)
        console.log(`${stream}: skipped position ${pos}`)
        if (!result) return
        print(result, stream)
        if (result.parked > 0) process.exitCode = 1
      }),
    ),
]

interface ListOptions {
  group?: boolean
  stream?: string
  limit: number
  json?: boolean
}
interface RedriveOptions {
  all?: boolean
  group?: string
  reason?: string
  dryRun?: boolean
}
interface SkipOptions {
  reason: string
  redrive?: boolean
  dryRun?: boolean
}

/** @throws OperatorError unless exactly one selection is given */
function chosen({ consumer, stream, group }: Selection, all = false): Selection {
  if (group ? stream || all : all ? !consumer || stream : !consumer || !stream)
    throw new OperatorError('say what to redrive: <consumer> <stream>, <consumer> --all, or --group <id>')
  return { consumer, stream, group }
}

const text = (at: number) => `${new Date(at).toISOString().slice(0, 19)}Z`

const groupText = ({
  id,
  error,
  place,
  pattern,
  consumers,
  streams,
  events,
  redriven,
  firstAt,
  lastAt,
  example,
}: Group): string =>
  [
    `${id}  ${streams} ${streams === 1 ? 'stream' : 'streams'}, ${events} ${events === 1 ? 'event' : 'events'}  ${consumers.join(', ')}`,
    `  ${id === 'freed' ? 'nothing failed there any more: redrive what waits' : [error ?? 'cause not kept', place].filter(Boolean).join(' at ')}${pattern ? `: ${pattern}` : ''}`,
    `  parked ${text(firstAt)} to ${text(lastAt)}, tried again ${redriven} times; for example ${example.type} ${example.stream}@${example.version} in ${example.consumer} (position ${example.pos})`,
  ].join('\n')

/** Maximum number of streams shown that are still parked. */
const MOST_SHOWN = 20

function print(result: Redriven, stream?: string, isDryRun = false) {
  const would = isDryRun ? 'would be: ' : ''
  if (stream) console.log(`${would}${stream}: ${result.applied} applied, ${result.parked} still parked`)
  else console.log(`${would}${summaryOf(result)}`)
  const failed = result.results.filter(({ parked }) => parked > 0)
  if (!stream)
    for (const one of failed.slice(0, MOST_SHOWN)) console.log(`  ${one.consumer}  ${one.stream}: ${one.cause ?? 'parked'}`)
  if (!stream && result.stillParked > MOST_SHOWN) console.log(`  … and ${result.stillParked - MOST_SHOWN} more`)
}

/** Aborts on the first Ctrl-C, after which the current retry finishes. A second Ctrl-C ends the process at once. */
function interrupted(): AbortSignal {
  const aborter = new AbortController()
  process.once('SIGINT', () => aborter.abort())
  return aborter.signal
}

const EVERY_MS = 1_000

/** Prints the progress about once per second, if it takes longer than that. */
function printer() {
  const isTerminal = process.stderr.isTTY
  let shownAt = performance.now()
  let isShown = false
  return {
    show({ done, total, stillParked, rate, etaMs }: RedriveProgress) {
      if (performance.now() - shownAt < EVERY_MS) return
      shownAt = performance.now()
      isShown = true
      const left = etaMs === undefined ? '' : `, ${Math.ceil(etaMs / 1_000)} s left`
      const line = `${done} of ${total} streams, ${stillParked} still parked, ${Math.round(rate)}/s${left}`
      process.stderr.write(isTerminal ? `\r\x1b[K${line}` : `${line}\n`)
    },
    end() {
      if (isTerminal && isShown) process.stderr.write('\n')
    },
  }
}
