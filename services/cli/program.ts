import { Command } from 'commander'
import { asOfCommand } from './as-of.ts'
import { docsCommand } from './docs.ts'
import { doctorCommand } from './doctor.ts'
import { helpersCommand } from './helpers.ts'
import { lagCommand } from './lag.ts'
import { lettersCommands } from './letters.ts'
import { logCommand } from './log.ts'
import { mediaCommand } from './media.ts'
import { opsCommand } from './ops.ts'
import { queuesCommand } from './queues.ts'
import { rebuildCommand } from './rebuild.ts'
import { relieveCommand } from './relieve.ts'
import { replaysCommand } from './replays.ts'
import { requestsCommand } from './requests.ts'
import { resetCommand } from './reset.ts'
import { restoredCommand } from './restored.ts'
import { revealCommand } from './reveal.ts'
import { openApiCommand, runCommands } from './run.ts'
import { schemasCommand } from './schemas.ts'
import { setupCommand } from './setup.ts'
import { storyCommand } from './story.ts'
import { tailCommand } from './tail.ts'
import { topicsCommand } from './topics.ts'
import { verifyCommand } from './verify.ts'

/** All commands of `vidwiz`. */
export const program = new Command('vidwiz')
  .description(
    'Timestamped notes on YouTube videos, event-sourced. Without DB_URL the commands use the Postgres that `npx vidwiz start` runs.',
  )
  .showHelpAfterError('(add --help for how to use it)')
  .configureHelp({ sortSubcommands: false })
  // An option belongs to the command before it, even if the parent command has an option of the same name.
  .enablePositionalOptions()

for (const command of [
  ...runCommands(),
  tailCommand(),
  lagCommand(),
  relieveCommand(),
  storyCommand(),
  requestsCommand(),
  mediaCommand(),
  rebuildCommand(),
  verifyCommand(),
  replaysCommand(),
  asOfCommand(),
  ...lettersCommands(),
  resetCommand(),
  restoredCommand(),
  revealCommand(),
  queuesCommand(),
  doctorCommand(),
  helpersCommand(),
  opsCommand(),
  setupCommand(),
  schemasCommand(),
  docsCommand(),
  openApiCommand(),
  topicsCommand(),
  logCommand(),
])
  program.addCommand(command)
