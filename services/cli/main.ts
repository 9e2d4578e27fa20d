import { Command } from 'commander'
import { readSettings } from '#platform/config/settings.ts'
import { plain } from '#platform/service.ts'
import { doctorCommand } from './doctor.ts'
import { helpersCommand } from './helpers.ts'
import { lagCommand } from './lag.ts'
import { lettersCommands } from './letters.ts'
import { logCommand } from './log.ts'
import { mediaCommand } from './media.ts'
import { queuesCommand } from './queues.ts'
import { rebuildCommand } from './rebuild.ts'
import { requestsCommand } from './requests.ts'
import { openApiCommand, runCommands } from './run.ts'
import { schemasCommand } from './schemas.ts'
import { setupCommand } from './setup.ts'
import { storyCommand } from './story.ts'
import { tailCommand } from './tail.ts'
import { topicsCommand } from './topics.ts'
import { verifyCommand } from './verify.ts'

const program = new Command('vidwiz')
  .description(
    'Timestamped notes on YouTube videos, event-sourced. Without DB_URL the commands use the Postgres that `vidwiz start` runs.',
  )
  .showHelpAfterError('(add --help for how to use it)')
  .configureHelp({ sortSubcommands: false })
  // An option belongs to the command that it stands behind, also where the command above it has one of that name.
  .enablePositionalOptions()

for (const command of [
  ...runCommands(),
  tailCommand(),
  lagCommand(),
  storyCommand(),
  requestsCommand(),
  mediaCommand(),
  rebuildCommand(),
  verifyCommand(),
  ...lettersCommands(),
  queuesCommand(),
  doctorCommand(),
  helpersCommand(),
  setupCommand(),
  schemasCommand(),
  openApiCommand(),
  topicsCommand(),
  logCommand(),
])
  program.addCommand(command)

/** A reader such as `head` that leaves early is no error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

try {
  readSettings()
  await program.parseAsync()
} catch (error) {
  console.error(plain(error))
  process.exitCode = 1
}
