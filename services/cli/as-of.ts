import { Command, InvalidArgumentError } from 'commander'
import { pasteable } from '#platform/config/pasteable.ts'
import { OperatorError } from '#platform/service.ts'
import { operate } from '#services/operations/operation.ts'
import {
  comparedWithNow,
  dropAct,
  dropPastView,
  KEPT_HOURS,
  MOST_PAST_VIEWS,
  type PastView,
  pastView,
  pastViews,
  positionOf,
  rowsAsOf,
} from '#services/operations/replays/past.ts'
import { connected } from './connect.ts'
import { moment } from './moment.ts'
import { wholeNumber } from './numbers.ts'
import { operating } from './operating.ts'
import { progressPrinter } from './progress.ts'
import { operator } from './recorded.ts'
import { fullSpeedOption, replayed } from './replaying.ts'
import { table } from './table.ts'
import { viewArgument, viewNamed } from './view.ts'

/** `as-of`: folds a view as it was, into a table beside the live one. */
export function asOfCommand(): Command {
  const command = new Command('as-of')
    .description(
      `fold a view as it was at a position or a moment into a table beside the live one; ${MOST_PAST_VIEWS} are kept, for ${KEPT_HOURS} hours`,
    )
    .addArgument(viewArgument())
    .option('--at <moment>', 'for example 2026-11-28T05:00Z: with all that was appended up to then', moment)
    .option('--position <n>', 'with all up to this position of the log', wholeNumber)
    .addOption(fullSpeedOption())
    .action((name: string, { at, position, fullSpeed }: { at?: number; position?: number; fullSpeed?: boolean }) =>
      connected(async (connection) => {
        if ((at === undefined) === (position === undefined)) throw new OperatorError('give either --at or --position')
        const view = viewNamed(name)
        const pos = await positionOf(connection.db, { at, pos: position })
        const progress = progressPrinter(name)
        const when = at === undefined ? `--position ${pos}` : `--at ${new Date(at).toISOString()}`
        const past = await replayed(
          connection,
          { act: 'as-of', view, pos, at, by: operator().name },
          { command: `vidwiz as-of ${name} ${when}`, onProgress: progress.show, fullSpeed },
        ).finally(progress.end)
        console.log(described(past))
      }),
    )
  command
    .command('list')
    .description('views as they were that are kept')
    .action(() =>
      connected(async ({ db }) => {
        const all = await pastViews(db)
        console.log(all.length > 0 ? table(HEAD, all.map(cells), HEAD.length) : 'none is kept')
      }),
    )
  command
    .command('show')
    .description('rows of a view as it was, one JSON object per line')
    .argument('<id>', 'as `npx vidwiz as-of list` shows it')
    .option('--where <column=value...>', 'only rows with this value; several narrow it down', pairs, {})
    .option('--limit <n>', 'at most this many', wholeNumber, 100)
    .option('--offset <n>', 'skip this many', wholeNumber, 0)
    .action((id: string, options: { where: Record<string, string>; limit: number; offset: number }) =>
      connected(async ({ db }) => {
        for (const row of await rowsAsOf(db, id, options)) console.log(JSON.stringify(row))
      }),
    )
  command
    .command('compare')
    .description('how the view differs by now from what it was')
    .argument('<id>', 'as `npx vidwiz as-of list` shows it')
    .option('--rows <n>', 'show at most this many rows', wholeNumber, 20)
    .action((id: string, { rows }: { rows: number }) =>
      connected(async ({ db }) => {
        const { view, pos } = await pastView(db, id)
        const { missing, extra, different, rows: examples } = await comparedWithNow(db, id, { limit: rows })
        const count = (n: number) => n.toLocaleString('en')
        console.log(
          `${view} since position ${pos}: ${count(extra)} rows added, ${count(different)} changed, ${count(missing)} removed`,
        )
        for (const { id, live, replayed } of examples)
          console.log(`  ${id}\n    then  ${JSON.stringify(replayed)}\n    now   ${JSON.stringify(live)}`)
      }),
    )
  command
    .command('drop')
    .description('drop one')
    .argument('<id>', 'as `npx vidwiz as-of list` shows it')
    .action((id: string) =>
      connected(async ({ db }) => {
        const { execute, operator } = operating(db)
        const past = await pastView(db, id)
        await operate(execute, operator, dropAct(past), async () => ({ result: await dropPastView(db, id), summary: 'dropped' }))
        console.log(`${id}: dropped`)
      }),
    )
  return command
}

function pairs(text: string, before: Record<string, string>): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It takes column=value.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

const HEAD = ['ID', 'VIEW', 'POSITION', 'MOMENT', 'ROWS', 'WHO', 'MADE']
const cells = ({ id, view, pos, at, rows, by, madeAt }: PastView) => [
  id,
  view,
  pos,
  at === null ? '-' : new Date(at).toISOString(),
  rows.toLocaleString('en'),
  by,
  new Date(madeAt).toISOString(),
]

const described = ({ id, view, pos, rows, events, table }: PastView) =>
  pasteable(`${view} as of position ${pos}: ${rows.toLocaleString('en')} rows from ${events.toLocaleString('en')} events, kept as ${id}
  npx vidwiz as-of show ${id} [--where column=value]
  npx vidwiz as-of compare ${id}
  npx vidwiz as-of drop ${id}
  in Postgres: select * from ${table}`)
