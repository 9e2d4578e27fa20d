import { plain } from '#platform/service.ts'
import { run } from './run.ts'

// What the supervisor starts: `node services/process.ts ai-notes,summaries`.
try {
  await run(process.argv[2] ?? '')
} catch (error) {
  console.error(plain(error))
  process.exitCode = 1
}
