import { Command, Option } from 'commander'
import { services } from '#services/index.ts'
import { run } from '#services/run.ts'

const folder = new URL('../', import.meta.url)

/** `start` (everything) and `run NAMES` (some services). */
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
      return import(new URL('stack/main.ts', folder).href)
    }),
  new Command('run')
    .description('run one service as this process, or several')
    .argument('<services>', `with commas between: ${Object.keys(services).join(', ')}`)
    .option('--timeout <seconds>', 'of helpers: how long they wait for a task before they ask again (HELPER_POLL_SECONDS)')
    .option('--api-url <url>', 'of helpers: where the API is (API_URL)')
    .action((names: string, { timeout, apiUrl }: { timeout?: string; apiUrl?: string }) => {
      if (timeout !== undefined) process.env.HELPER_POLL_SECONDS = timeout
      if (apiUrl !== undefined) process.env.API_URL = apiUrl
      return run(names)
    }),
]

/** `openapi`: prints the document that the API serves. */
export const openApiCommand = (): Command =>
  new Command('openapi')
    .description('print the description of the API (OpenAPI 3.1)')
    .action(() => import(new URL('api/openapi/print.ts', folder).href))
