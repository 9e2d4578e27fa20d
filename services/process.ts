import { endWithSupervisor } from '#platform/orphan/index.ts'
import { plain } from '#platform/service.ts'
import { run } from './run.ts'

// Entry point of the supervisor's parts: `node services/process.ts ai-notes,summaries`.
endWithSupervisor()
try {
  await run(process.argv[2] ?? '')
} catch (error) {
  console.error(plain(error))
  process.exitCode = 1
}
