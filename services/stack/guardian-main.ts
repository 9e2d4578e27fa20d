import { setTimeout as sleep } from 'node:timers/promises'
import { stopOrphanedKafka } from '#platform/kafka/local/index.ts'
import { stopOrphanedPostgres } from '#platform/pg/embedded/index.ts'

// Runs after a supervisor was killed: see `guard`. Stops nothing that another supervisor has taken over by then.
const [dataDir, kafkaFolder] = process.argv.slice(2) as [string, string]

/** Time for the parts to end. A new start within this time still finds its database running. */
const GRACE_MS = 8_000

await sleep(GRACE_MS)
await Promise.allSettled([stopOrphanedPostgres(dataDir), kafkaFolder ? stopOrphanedKafka(kafkaFolder) : undefined])
