import { foreground } from './foreground.ts'
import { startRegistry } from './registry.ts'

/** Runs a schema registry in the foreground until Ctrl-C, for `make registry`. */
await foreground('registry', async (dataDir) => {
  const { url, stop } = await startRegistry({ dataDir, port: 8081, log: console.error })
  return { env: `SCHEMA_REGISTRY_URL=${url}`, stop }
})
