import { Command } from 'commander'
import { localAwsEnvironment, oldestMessages, withLocalAws } from '#platform/aws/local/where.ts'
import { reasonOf } from '#platform/aws/reason.ts'
import { queueUrlsOf } from '#platform/aws/setup.ts'
import { readSettings, type Settings } from '#platform/config/settings.ts'
import { Trouble } from '#platform/service.ts'
import { type QueueState, withDeadLetters } from '#platform/sqs/dead-letters.ts'
import { openQueues } from '#platform/sqs/open.ts'
import { nameOf, type Queues, type Received } from '#platform/sqs/queues.ts'
import { peek, redrive } from '#platform/sqs/redrive.ts'
import { wholeNumber } from './numbers.ts'
import { table } from './table.ts'

/** `queues`: what lies in SQS, and what to do about messages that nobody could handle. */
export const queuesCommand = (): Command => {
  const command = new Command('queues')
    .description('queues of SQS and their dead letters: how many messages, and how old')
    .enablePositionalOptions()
    .option('--json', 'one JSON array; oldestSeconds is null for none, and missing where the server cannot tell')
    .action(({ json }: { json?: boolean }) =>
      withQueues(async (queues, settings) => {
        const rows = await rowsOf(queues, settings)
        console.log(json ? JSON.stringify(rows) : queueTable(rows))
        if (rows.some(({ problem }) => problem !== undefined)) process.exitCode = 1
      }),
    )
  command
    .command('peek')
    .description('show the dead letters of a queue; they stay there, though SQS counts this look as one more receipt')
    .argument('<queue>', 'for example vidwiz-ai-notes')
    .option('--limit <n>', 'at most this many', wholeNumber, 20)
    .option('--json', 'one JSON object per line')
    .action((name: string, { limit, json }: { limit: number; json?: boolean }) =>
      withQueues(async (queues, settings) => {
        const { dead } = await pairOf(queues, settings, name)
        const seen = await peek(queues, dead.url, limit)
        if (json) for (const { receipt: _, ...message } of seen) console.log(JSON.stringify(message))
        else console.log(seen.length > 0 ? letterTable(seen) : `no dead letters in ${nameOf(dead.url)}`)
      }),
    )
  command
    .command('redrive')
    .description(
      'send the dead letters of a queue back to it; each is sent before it is deleted, so one may come twice but none is lost',
    )
    .argument('<queue>', 'for example vidwiz-ai-notes')
    .option('--limit <n>', 'at most this many', wholeNumber)
    .option('--dry-run', 'only say how many there are')
    .action((name: string, options: { limit?: number; dryRun?: boolean }) =>
      withQueues(async (queues, settings) => {
        const { source, dead } = await pairOf(queues, settings, name)
        const [from, to] = [nameOf(dead.url), nameOf(source.url)]
        if (options.dryRun) {
          const count = Math.min(dead.attributes.visible, options.limit ?? Number.POSITIVE_INFINITY)
          console.log(`would send ${messages(count)} of ${from} back to ${to}`)
          return
        }
        const onMoved = (moved: number) => console.error(`${from}: sent back ${moved} of ${dead.attributes.visible}`)
        const { moved, stopped } = await redrive(queues, { from: dead.url, to: source.url, limit: options.limit, onMoved })
        console.log(`sent ${messages(moved)} of ${from} back to ${to}`)
        if (stopped) throw new Trouble(`stopped: ${stopped.message} (${stopped.code}); the rest are still dead letters`)
      }),
    )
  command
    .command('env')
    .description(
      'the environment that leads other programs to the S3 and SQS of the data folder, as a shell takes it; it holds their keys',
    )
    .action(() => {
      for (const [name, value] of Object.entries(localAwsEnvironment(readSettings()))) console.log(`export ${name}='${value}'`)
    })
  return command
}

const messages = (count: number) => (count === 1 ? '1 message' : `${count} messages`)

/** @throws Trouble when no queue is known */
async function withQueues(work: (queues: Queues, settings: Settings) => Promise<void>): Promise<void> {
  const settings = withLocalAws(readSettings())
  if (queueUrlsOf(settings).length === 0)
    throw new Trouble(
      'no queue is known: start VidWiz first (make start), or set SQS_AI_NOTE_QUEUE_URL and SQS_SUMMARY_QUEUE_URL',
    )
  const queues = await openQueues(settings)
  try {
    await work(queues, settings)
  } finally {
    queues.close()
  }
}

interface Row {
  queue: string
  /** The queue that it holds the dead letters of. */
  deadLettersOf?: string
  visible?: number
  inFlight?: number
  delayed?: number
  oldestSeconds?: number | null
  /** Why it could not be read, or what it lacks. */
  problem?: string
}

/** Each queue and then its dead letters. One that cannot be read says so, and the rest stands. */
async function rowsOf(queues: Queues, settings: Settings): Promise<Row[]> {
  const oldest = await oldestMessages(settings)
  const whole = (queue: string, { attributes: { visible, inFlight, delayed } }: QueueState): Row => ({
    queue,
    visible,
    inFlight,
    delayed,
    ...(oldest && { oldestSeconds: ageSeconds(oldest[queue] ?? null) }),
  })
  const rows = await Promise.all(
    queueUrlsOf(settings).map(async (url): Promise<Row[]> => {
      const queue = nameOf(url)
      try {
        const { source, dead, error } = await withDeadLetters(queues, url)
        if (dead) return [whole(queue, source), { ...whole(nameOf(dead.url), dead), deadLettersOf: queue }]
        const { deadLetters } = source.attributes
        if (!deadLetters) return [{ ...whole(queue, source), problem: 'has no dead-letter queue' }]
        return [whole(queue, source), { queue: nameOf(deadLetters.arn), deadLettersOf: queue, problem: unreadable(error) }]
      } catch (error) {
        return [{ queue, problem: unreadable(error) }]
      }
    }),
  )
  return rows.flat()
}

const unreadable = (error: unknown) => `cannot be read: ${reasonOf(error)}`

const ageSeconds = (sentAt: number | null) => (sentAt === null ? null : Math.max(0, Math.round((Date.now() - sentAt) / 1000)))

const queueTable = (rows: Row[]) =>
  table(
    ['QUEUE', 'STATE', 'VISIBLE', 'IN FLIGHT', 'DELAYED', 'OLDEST'],
    rows.map(({ queue, problem, visible, inFlight, delayed, oldestSeconds }) => [
      queue,
      problem ?? 'ok',
      visible ?? '-',
      inFlight ?? '-',
      delayed ?? '-',
      oldestSeconds === undefined || oldestSeconds === null ? '-' : age(oldestSeconds),
    ]),
    2,
  )

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const

function age(seconds: number): string {
  const unit = UNITS.find(([, size]) => seconds >= size)
  return unit ? `${Math.floor(seconds / unit[1])} ${unit[0]}` : `${seconds} s`
}

function letterTable(seen: Received[]) {
  // Some workers attach why they could not handle it.
  const hasCause = seen.some(({ attributes }) => attributes.cause)
  return table(
    ['SENT', 'FIRST RECEIVED', 'TIMES', ...(hasCause ? ['CAUSE'] : []), 'BODY'],
    seen.map(({ sentAt, firstReceivedAt, receiveCount, attributes, body }) => [
      new Date(sentAt).toISOString(),
      firstReceivedAt === undefined ? '-' : new Date(firstReceivedAt).toISOString(),
      receiveCount,
      ...(hasCause ? [shown(attributes.cause?.text ?? '-')] : []),
      shown(body),
    ]),
    hasCause ? 5 : 4,
  )
}

/** A terminal obeys control characters, wherever they come from. */
const shown = (body: string) => body.replace(/\p{Cc}/gu, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)

/**
 * A queue and its dead letters, by the name of either, with or without our prefix, or by its URL.
 * @throws Trouble naming all there are
 */
async function pairOf(queues: Queues, settings: Settings, name: string): Promise<{ source: QueueState; dead: QueueState }> {
  const urls = queueUrlsOf(settings)
  const names = [name, `vidwiz-${name}`]
  for (const url of urls) {
    const isMeant = url === name || names.includes(nameOf(url))
    const pair = await withDeadLetters(queues, url).catch((error) => {
      if (isMeant) throw new Trouble(`${nameOf(url)} ${unreadable(error)}`, { cause: error })
      return undefined
    })
    const deadName = pair?.source.attributes.deadLetters && nameOf(pair.source.attributes.deadLetters.arn)
    if (!pair || !(isMeant || names.includes(deadName ?? ''))) continue
    const { source, dead, error } = pair
    if (!dead) throw new Trouble(deadName ? `${deadName} ${unreadable(error)}` : `${nameOf(url)} has no dead-letter queue`)
    return { source, dead }
  }
  throw new Trouble(`no queue is called ${name}: ${urls.map(nameOf).join(', ')}`)
}
