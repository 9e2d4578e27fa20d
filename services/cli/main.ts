import { readSettings } from '#platform/config/settings.ts'
import { plain } from '#platform/service.ts'
import { program } from './program.ts'

/** A reader that leaves early, such as `head`, is not an error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

try {
  readSettings()
  await program.parseAsync()
} catch (error) {
  console.error(plain(error))
  process.exitCode = 1
}
