import { Command, InvalidArgumentError } from 'commander'
import { REQUEST_KINDS, type RequestKind } from '#events/ai.ts'
import { catalog, deciders } from '#events/catalog.ts'
import { topics } from '#events/topics.ts'
import { now as clock } from '#platform/clock.ts'
import { executor } from '#platform/log/commands/executor.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import type { Db } from '#platform/pg/pool.ts'
import { OperatorError } from '#platform/service.ts'
import { type AiRequestRow, openRequests, type RequestStatus, requestsIn } from '#projections/ai-requests.ts'
import { operate } from '#services/operations/operation.ts'
import { MOST_REQUESTS, redriveRequests, requestsRedriveAct } from '#services/operations/requests.ts'
import { duration } from '#services/operations/story/text.ts'
import { connected } from './connect.ts'
import { wholeNumber } from './numbers.ts'
import { operator } from './recorded.ts'
import { table } from './table.ts'

/** Statuses that still need something, in their order. */
const STATUSES = ['awaited', 'requested', 'dispatched', 'given-up'] as const satisfies readonly RequestStatus[]

function statuses(list: string): RequestStatus[] {
  const names = list.split(',')
  if (!names.every((name): name is (typeof STATUSES)[number] => (STATUSES as readonly string[]).includes(name)))
    throw new InvalidArgumentError(`It takes ${STATUSES.join(', ')}, with commas between.`)
  return names
}

interface Listing {
  status: RequestStatus[]
  limit: number
  json?: boolean
}

/** `requests` and `requests redrive`: requests to models. */
export function requestsCommand(): Command {
  const command = new Command('requests')
    .description('requests to models for notes and summaries: those that wait or were given up')
    .option('--status <list>', `only of these, with commas between: ${STATUSES.join(', ')}`, statuses, [...STATUSES])
    .option('--limit <n>', 'at most this many, oldest first', wholeNumber, 100)
    .option('--json', 'one JSON object per line')
    .action((options: Listing) => connected(({ db }) => list(db, options)))
  command
    .command('redrive')
    .description('ask again for requests that were given up; exit code 1 if one could not be asked for')
    .argument('[requests...]', 'for example note-42 summary-dQw4w9WgXcQ; note or summary for all of a kind that were given up')
    .option('--reason <text>', 'why; kept with the operation')
    .option('--all', 'all that were given up, except those that need no answer any more')
    .action((names: string[], { all, reason }: { all?: boolean; reason?: string }) => {
      if (all ? names.length > 0 : names.length === 0) throw new OperatorError('name the requests to redrive, or say --all')
      return connected(({ db }) => redrive(db, names, reason))
    })
  return command
}

async function list(db: Db, { status, limit, json }: Listing): Promise<void> {
  const [rows, ...totals] = await Promise.all([
    requestsIn(db, status, limit),
    ...REQUEST_KINDS.map(async (kind) => ({ kind, counts: await openRequests(db, kind) })),
  ])
  if (json) {
    for (const row of rows) console.log(JSON.stringify(row))
    return
  }
  const now = clock()
  if (rows.length > 0) console.log(table(HEAD, rows.map(cells(now)), HEAD.length))
  console.log(`${rows.length > 0 ? '\n' : ''}${totals.map(total).join('\n')}`)
}

const HEAD = ['REQUEST', 'STATUS', 'FOR', 'ASKED', 'CAUSE']

const cells = (now: number) => (row: AiRequestRow) => [
  row.request,
  row.status,
  duration(now - row.since),
  row.attempt,
  row.cause ?? '',
]

const NAMES: Record<RequestKind, string> = { note: 'notes', summary: 'summaries' }

function total({ kind, counts }: { kind: RequestKind; counts: { status: RequestStatus; requests: number }[] }): string {
  const of = new Map(counts.map(({ status, requests }) => [status, requests]))
  return `${NAMES[kind]}: ${STATUSES.map((status) => `${(of.get(status) ?? 0).toLocaleString('en')} ${status}`).join(', ')}`
}

/** @param names of requests; all that were given up, if empty */
async function redrive(db: Db, names: string[], reason?: string): Promise<void> {
  const { execute } = executor({ appender: appender(db), catalog, deciders, topics })
  const isAll = names.length === 0
  const redriven = await operate(execute, operator(), { ...requestsRedriveAct(names), reason }, () =>
    redriveRequests({ db, execute }, names, 'cli'),
  )
  if (redriven.length === 0) console.log('nothing was given up')
  for (const { text } of redriven) console.log(text)
  if (redriven.some(({ isAsked }) => !isAsked) && !isAll) process.exitCode = 1
  if (isAll && redriven.length === MOST_REQUESTS)
    console.log(`there may be more: these were the ${MOST_REQUESTS.toLocaleString('en')} oldest`)
}
