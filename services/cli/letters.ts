import { Argument, Command } from 'commander'
import { askToRedrive, parkedOf } from '#platform/log/reactor/redrive.ts'
import type { Db } from '#platform/pg/pool.ts'
import { Trouble } from '#platform/service.ts'
import { letters, redrive, skip } from '#projections/engine/letters.ts'
import { views } from '#projections/index.ts'
import { connected } from './connect.ts'
import { wholeNumber } from './numbers.ts'

const consumerArgument = () => new Argument('<consumer>', 'a view, or another consumer such as fetch-scheduler')
const streamArgument = () => new Argument('<stream>', 'for example note-42')

/** `letters`, `redrive` and `skip`: what to do about events that a consumer could not handle (P8). */
export const lettersCommands = (): Command[] => [
  new Command('letters')
    .description('list dead letters: events that a consumer could not handle, and those that wait behind them')
    .addArgument(consumerArgument().argOptional())
    .option('--stream <name>', 'only of this stream')
    .option('--limit <n>', 'at most this many', wholeNumber, 100)
    .option('--json', 'one JSON object per line, with the whole event')
    .action((consumer: string | undefined, { stream, limit, json }: { stream?: string; limit: number; json?: boolean }) =>
      connected(async ({ db }) => {
        if (consumer) await assertKnown(db, consumer)
        const found = await letters(db, { consumer, stream, limit })
        if (found.length === 0 && !json) console.log('no dead letters')
        for (const letter of found) {
          const { event, pos, state, cause } = letter
          console.log(
            json
              ? JSON.stringify(letter)
              : `${letter.consumer}  ${pos}  ${event.stream}@${event.version}  ${event.type}  ${state}  ${cause ?? ''}`,
          )
        }
      }),
    ),
  new Command('redrive')
    .description('have the parked events of a stream handled again, in order')
    .addArgument(consumerArgument())
    .addArgument(streamArgument())
    .action((consumer: string, stream: string) =>
      connected(async ({ db }) => {
        await assertKnown(db, consumer)
        const view = views.find(({ name }) => name === consumer)
        const { applied, parked } = view ? await redrive(db, view, stream) : await redriveElsewhere(db, consumer, stream)
        console.log(`${stream}: ${applied} applied, ${parked} still parked`)
        if (parked > 0) process.exitCode = 1
      }),
    ),
  new Command('skip')
    .description('give a failed event up, with a reason that is kept; then redrive what waits behind it')
    .addArgument(consumerArgument())
    .addArgument(streamArgument())
    .argument('<position>', 'of the failed event', wholeNumber)
    .requiredOption('--reason <text>', 'why it is given up')
    .action((consumer: string, stream: string, pos: number, { reason }: { reason: string }) =>
      connected(async ({ db }) => {
        await assertKnown(db, consumer)
        if (!(await skip(db, consumer, stream, pos, reason)))
          throw new Trouble(`no failed event of ${stream} at position ${pos} in ${consumer}`)
        console.log(`${stream}: skipped position ${pos}`)
      }),
    ),
]

/** @throws Trouble naming all there are */
async function assertKnown(db: Db, consumer: string) {
  const rows = await db.query<{ consumer: string }>(
    'consumers',
    `select distinct consumer from log.checkpoints where consumer not like '%~next' order by 1`,
  )
  const known = rows.map((row) => row.consumer)
  if (!known.includes(consumer)) throw new Trouble(`there is no consumer ${consumer}; there are ${known.join(', ')}`)
}

const PATIENCE_MS = 15_000
const LOOK_MS = 100

/** Only the consumer itself knows what follows from its events: asks the one that runs, and waits until it has done so. */
async function redriveElsewhere(db: Db, consumer: string, stream: string): Promise<{ applied: number; parked: number }> {
  const asked = await askToRedrive(db, consumer, stream)
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; ) {
    const { due, parked } = await parkedOf(db, consumer, stream)
    if (due === 0) return { applied: asked - parked, parked }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  throw new Trouble(`${consumer} has not taken them up; it will once it runs`)
}
