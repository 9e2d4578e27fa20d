import { Argument, Command } from 'commander'
import { Trouble } from '#platform/service.ts'
import { letters, redrive, skip } from '#projections/engine/letters.ts'
import { connected } from './connect.ts'
import { wholeNumber } from './numbers.ts'
import { viewArgument, viewNamed } from './view.ts'

const streamArgument = () => new Argument('<stream>', 'for example note-42')

/** `letters`, `redrive` and `skip`: what to do about events that a view could not handle (P8). */
export const lettersCommands = (): Command[] => [
  new Command('letters')
    .description('list dead letters: events that a view could not handle, and those that wait behind them')
    .addArgument(viewArgument().argOptional())
    .option('--stream <name>', 'only of this stream')
    .option('--limit <n>', 'at most this many', wholeNumber, 100)
    .option('--json', 'one JSON object per line, with the whole event')
    .action((consumer: string | undefined, { stream, limit, json }: { stream?: string; limit: number; json?: boolean }) =>
      connected(async ({ db }) => {
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
    .description('apply the parked events of a stream again, in order')
    .addArgument(viewArgument())
    .addArgument(streamArgument())
    .action((name: string, stream: string) =>
      connected(async ({ db }) => {
        const { applied, parked } = await redrive(db, viewNamed(name), stream)
        console.log(`${stream}: ${applied} applied, ${parked} still parked`)
        if (parked > 0) process.exitCode = 1
      }),
    ),
  new Command('skip')
    .description('give a failed event up, with a reason that is kept; then redrive what waits behind it')
    .addArgument(viewArgument())
    .addArgument(streamArgument())
    .argument('<position>', 'of the failed event', wholeNumber)
    .requiredOption('--reason <text>', 'why it is given up')
    .action((name: string, stream: string, pos: number, { reason }: { reason: string }) =>
      connected(async ({ db }) => {
        if (!(await skip(db, viewNamed(name), stream, pos, reason)))
          throw new Trouble(`no failed event of ${stream} at position ${pos} in ${name}`)
        console.log(`${stream}: skipped position ${pos}`)
      }),
    ),
]
