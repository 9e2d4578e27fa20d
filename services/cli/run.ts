import { existsSync, readdirSync } from 'node:fs'
import { Argument, Command, Option } from 'commander'

const folder = new URL('../', import.meta.url)

/** What can run as a process of its own: every service with a main file, but for these two. */
const services = readdirSync(folder, { withFileTypes: true })
  .filter(({ name }) => !['cli', 'stack'].includes(name) && existsSync(new URL(`${name}/main.ts`, folder)))
  .map((entry) => entry.name)

const main = (name: string) => import(new URL(`${name}/main.ts`, folder).href)

/** `start` (everything) and `run NAME` (one service). */
export const runCommands = (): Command[] => [
  new Command('start')
    .description('run everything on this machine: Postgres, the API, the projectors')
    .addOption(
      new Option('--kafka [brokers]', 'with a real Kafka of one broker or three: needs Java 17 and Maven')
        .choices(['1', '3'])
        .preset('1'),
    )
    .action(({ kafka }: { kafka?: string }) => {
      if (kafka) process.env.KAFKA_LOCAL = kafka
      return main('stack')
    }),
  new Command('run')
    .description('run one service as this process')
    .addArgument(new Argument('<service>').choices(services))
    .action(main),
]

/** `openapi`: the service itself prints it, as it would serve it. */
export const openApiCommand = (): Command =>
  new Command('openapi')
    .description('print the description of the API (OpenAPI 3.1)')
    .action(() => import(new URL('api/openapi/print.ts', folder).href))
