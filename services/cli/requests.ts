import { Command, InvalidArgumentError } from 'commander'
import { REQUEST_KINDS, type RequestKind, redriveRequest } from '#events/ai.ts'
import { catalog, deciders } from '#events/catalog.ts'
import { topics } from '#events/topics.ts'
import { executor, Rejected } from '#platform/log/executor.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { newestOf } from '#platform/log/postgres/newest.ts'
import type { Db } from '#platform/pg/pool.ts'
import { Trouble } from '#platform/service.ts'
import { type AiRequestRow, askedOf, openRequests, type RequestStatus, requestBy, requestsIn } from '#projections/ai-requests.ts'
import { connected } from './connect.ts'
import { wholeNumber } from './numbers.ts'
import { duration } from './story/text.ts'
import { table } from './table.ts'

/** Of which something may still come, as they follow each other. */
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

/** `requests` and `requests redrive`: what is asked of models. */
export function requestsCommand(): Command {
  const command = new Command('requests')
    .description('what is asked of models and waits, or was given up: texts of notes and summaries')
    .option('--status <list>', `only of these, with commas between: ${STATUSES.join(', ')}`, statuses, [...STATUSES])
    .option('--limit <n>', 'at most so many, oldest first', wholeNumber, 100)
    .option('--json', 'one JSON object per line')
    .action((options: Listing) => connected(({ db }) => list(db, options)))
  command
    .command('redrive')
    .description('ask anew for what was given up; exit code 1 if something could not be asked for')
    .argument('[requests...]', 'for example note-42 summary-dQw4w9WgXcQ')
    .option('--all', 'all that were given up, but for those that need no answer any more')
    .action((names: string[], { all }: { all?: boolean }) => {
      if (all ? names.length > 0 : names.length === 0) throw new Trouble('name the requests to redrive, or say --all')
      return connected(({ db }) => redrive(db, names))
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
  const now = Date.now()
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

/** More are redriven by saying it again. */
const MOST = 10_000

/** @param names of requests; all that were given up, if none is given */
async function redrive(db: Db, names: string[]): Promise<void> {
  const { execute } = executor({ appender: appender(db), catalog, deciders, topics })
  const isAll = names.length === 0
  const rows = isAll
    ? await requestsIn(db, ['given-up'], MOST)
    : await Promise.all(names.map(async (name) => (await requestBy(db, name)) ?? name))
  if (rows.length === 0) console.log('nothing was given up')
  const redriven = await Promise.all(rows.map((row) => (typeof row === 'string' ? unknown(row) : ask(row))))
  for (const { text } of redriven) console.log(text)
  if (redriven.some(({ isAsked }) => !isAsked) && !isAll) process.exitCode = 1
  if (isAll && rows.length === MOST) console.log(`there may be more: these were the ${MOST.toLocaleString('en')} oldest`)

  async function ask(row: AiRequestRow) {
    const { request } = row
    // Of the stream itself: the view may lag behind.
    const last = await newestOf(db, `ai-${request}`)
    const context = { actor: 'cli', correlationId: row.correlation_id, causationId: last?.id ?? row.event_id }
    try {
      await execute(redriveRequest(askedOf(row)), context)
      return { isAsked: true, text: `${request}: asked anew` }
    } catch (error) {
      if (!(error instanceof Rejected)) throw error
      return { isAsked: false, text: error.message }
    }
  }
}

const unknown = async (request: string) => ({ isAsked: false, text: `${request}: nobody ever asked for it` })
