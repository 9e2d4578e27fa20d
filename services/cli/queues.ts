import { Command } from 'commander'
import { localAwsEnvironment } from '#platform/aws/local/where.ts'
import { readSettings } from '#platform/config/settings.ts'
import { OperatorError } from '#platform/service.ts'
import { nameOf, type Received } from '#platform/sqs/queues.ts'
import { peek } from '#platform/sqs/redrive.ts'
import {
  messages,
  pairOf,
  type QueueRow,
  queueRedriveAct,
  queueRows,
  redriveQueue,
  withQueues,
} from '#services/operations/queues.ts'
import { wholeNumber } from './numbers.ts'
import { recorded } from './recorded.ts'
import { table } from './table.ts'

/** `queues`: shows the queues of SQS, and redrives their dead letters. */
export const queuesCommand = (): Command => {
  const command = new Command('queues')
    .description('queues of SQS and their dead letters: how many messages, and how old')
    .enablePositionalOptions()
    .option('--json', 'one JSON array; oldestSeconds is null for none, and missing where the server cannot tell')
    .action(({ json }: { json?: boolean }) =>
      withQueues(async (queues, settings) => {
        const rows = await queueRows(queues, settings)
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
    .option('--reason <text>', 'why; kept with the operation')
    .action((name: string, options: { limit?: number; dryRun?: boolean; reason?: string }) =>
      withQueues(async (queues, settings) => {
        const pair = await pairOf(queues, settings, name)
        const { visible } = pair.dead.attributes
        const [from, to] = [nameOf(pair.dead.url), nameOf(pair.source.url)]
        if (options.dryRun) {
          const count = Math.min(visible, options.limit ?? Number.POSITIVE_INFINITY)
          console.log(`would send ${messages(count)} of ${from} back to ${to}`)
          return
        }
        const onMoved = (moved: number) => console.error(`${from}: sent back ${moved} of ${visible}`)
        const { summary, stopped } = await recorded({ ...queueRedriveAct(pair, options.limit), reason: options.reason }, () =>
          redriveQueue(queues, pair, { limit: options.limit, onMoved }),
        )
        console.log(summary)
        if (stopped) throw new OperatorError(stopped)
      }),
    )
  command
    .command('env')
    .description('shell variables for other programs that use the S3 and SQS of the data folder; they include the keys')
    .action(() => {
      for (const [name, value] of Object.entries(localAwsEnvironment(readSettings()))) console.log(`export ${name}='${value}'`)
    })
  return command
}

const queueTable = (rows: QueueRow[]) =>
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
  // Some workers attach the cause of the failure.
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

/** Escapes control characters, which a terminal would obey. */
const shown = (body: string) => body.replace(/\p{Cc}/gu, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
