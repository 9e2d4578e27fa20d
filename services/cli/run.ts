import { readdirSync } from 'node:fs'
import { Argument, Command } from 'commander'

const folder = new URL('../', import.meta.url)

/** What can run as a process of its own: every service with a main file, but for these two. */
const services = readdirSync(folder, { withFileTypes: true, recursive: false })
  .filter((entry) => entry.isDirectory() && !['cli', 'stack'].includes(entry.name))
  .map((entry) => entry.name)

const main = (name: string) => import(new URL(`${name}/main.ts`, folder).href)

/** `start` (everything) and `run NAME` (one service). */
export const runCommands = (): Command[] => [
  new Command('start')
    .description('run everything on this machine: Postgres, the API, the projectors')
    .action(() => main('stack')),
  new Command('run')
    .description('run one service as this process')
    .addArgument(new Argument('<service>').choices(services))
    .action(main),
]
