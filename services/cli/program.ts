import { Command } from 'commander'

interface Module {
  names: readonly string[]
  load(): Promise<Command[]>
}

const one = (name: string, load: () => Promise<Command>): Module => ({ names: [name], load: async () => [await load()] })

/** The commands in the order of the help. Together their modules load most libraries, so only what is called is loaded. */
const modules: readonly Module[] = [
  { names: ['start', 'run'], load: async () => (await import('./run.ts')).runCommands() },
  one('tail', async () => (await import('./tail.ts')).tailCommand()),
  one('lag', async () => (await import('./lag.ts')).lagCommand()),
  one('relieve', async () => (await import('./relieve.ts')).relieveCommand()),
  one('story', async () => (await import('./story.ts')).storyCommand()),
  one('requests', async () => (await import('./requests.ts')).requestsCommand()),
  one('media', async () => (await import('./media.ts')).mediaCommand()),
  one('rebuild', async () => (await import('./rebuild.ts')).rebuildCommand()),
  one('verify', async () => (await import('./verify.ts')).verifyCommand()),
  one('replays', async () => (await import('./replays.ts')).replaysCommand()),
  one('as-of', async () => (await import('./as-of.ts')).asOfCommand()),
  { names: ['letters', 'redrive', 'skip'], load: async () => (await import('./letters.ts')).lettersCommands() },
  one('reset', async () => (await import('./reset.ts')).resetCommand()),
  one('restored', async () => (await import('./restored.ts')).restoredCommand()),
  one('reveal', async () => (await import('./reveal.ts')).revealCommand()),
  one('queues', async () => (await import('./queues.ts')).queuesCommand()),
  one('doctor', async () => (await import('./doctor.ts')).doctorCommand()),
  one('helpers', async () => (await import('./helpers.ts')).helpersCommand()),
  one('ops', async () => (await import('./ops.ts')).opsCommand()),
  one('setup', async () => (await import('./setup.ts')).setupCommand()),
  one('schemas', async () => (await import('./schemas.ts')).schemasCommand()),
  one('docs', async () => (await import('./docs.ts')).docsCommand()),
  one('openapi', async () => (await import('./run.ts')).openApiCommand()),
  one('topics', async () => (await import('./topics.ts')).topicsCommand()),
  one('log', async () => (await import('./log.ts')).logCommand()),
]

/**
 * The command line of `vidwiz`.
 * @param name of the command that is called: only this one is loaded, if it exists; otherwise all, for the help
 */
export async function program(name?: string): Promise<Command> {
  const vidwiz = new Command('vidwiz')
    .description(
      'Timestamped notes on YouTube videos, event-sourced. Without DB_URL the commands use the Postgres that `npx vidwiz start` runs.',
    )
    .showHelpAfterError('(add --help for how to use it)')
    .configureHelp({ sortSubcommands: false })
    // An option belongs to the command before it, even if the parent command has an option of the same name.
    .enablePositionalOptions()
  const called = modules.filter(({ names }) => names.includes(name ?? ''))
  const loaded = await Promise.all((called.length > 0 ? called : modules).map(({ load }) => load()))
  for (const command of loaded.flat()) vidwiz.addCommand(command)
  return vidwiz
}
