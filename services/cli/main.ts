import { endWithLauncher } from '#platform/own-session/launched.ts'

// First, so that no end of the launcher is missed: what is imported at the top is loaded before anything runs.
endWithLauncher()
const { readSettings } = await import('#platform/config/settings.ts')
const { plain } = await import('#platform/service.ts')
const { program } = await import('./program.ts')

/** A reader that leaves early, such as `head`, is not an error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

try {
  readSettings()
  await (await program(process.argv[2])).parseAsync()
} catch (error) {
  console.error(plain(error))
  process.exitCode = 1
}
