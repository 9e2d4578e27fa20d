import { endWithSupervisor } from '#platform/orphan/index.ts'

// Entry point of the supervisor's parts: `node services/process.ts ai-notes,summaries`.
// First, so that no end of the supervisor is missed: what is imported at the top is loaded before anything runs.
endWithSupervisor()
const { plain } = await import('#platform/service.ts')
const { run } = await import('./run.ts')
try {
  await run(process.argv[2] ?? '')
} catch (error) {
  console.error(plain(error))
  process.exitCode = 1
}
