import { Command } from 'commander'
import { catalog, deciders } from '#events/catalog.ts'
import { topics } from '#events/topics.ts'
import { setUpAws } from '#platform/aws/setup.ts'
import { readSettings } from '#platform/config/settings.ts'
import { kafkaOptions } from '#platform/log/kafka/options.ts'
import { ourSchemas, registerSchemas } from '#platform/log/kafka/schemas.ts'
import { withTopics } from '#platform/log/kafka/topics.ts'
import { registerTypes } from '#platform/log/newer-code.ts'
import { makeSequences } from '#platform/log/postgres/sequences.ts'
import { migrate } from '#platform/pg/migrate.ts'
import { openDb } from '#platform/pg/pool.ts'
import { databaseUrl } from '#platform/pg/where.ts'
import { OperatorError } from '#platform/service.ts'

/** `setup`: a deployment runs it once before its services. */
export const setupCommand = (): Command =>
  new Command('setup')
    .description(
      'create or update what services need: the tables, the sequences of ids; where used, the topics of Kafka, ' +
        'the schemas in the registry, and with AWS_CREATE=1 the bucket and the queues. ' +
        'Safe to repeat; `npx vidwiz start` does it by itself.',
    )
    .action(setup)

async function setup(): Promise<void> {
  const settings = readSettings()
  const url = databaseUrl(settings)
  const applied = await migrate(url).catch((error) => {
    throw new OperatorError(`cannot use the database: ${error.message || error.code}`, { cause: error })
  })
  const db = openDb(url, { name: 'vidwiz cli', max: 1 })
  try {
    // Commands of this version may append events before one of its services starts.
    await registerTypes(db, catalog)
    told('tables', applied)
    told('sequences', await makeSequences(db, deciders))
  } finally {
    await db.close()
  }
  if (settings.AWS_CREATE) {
    const { bucket, queues } = await setUpAws(settings)
    told('bucket', bucket)
    told('queues', queues)
  }
  const kafka = kafkaOptions(settings)
  if (!kafka) return
  told('topics', await withTopics(kafka, (tools) => tools.create(topics, { replication: settings.KAFKA_REPLICATION })))
  const { SCHEMA_REGISTRY_URL: registry, KAFKA_PREFIX: prefix } = settings
  if (!registry) return
  const { size } = await registerSchemas({ url: registry, prefix, schemas: await ourSchemas() }, { insist: true })
  console.log(`schemas: the registry knows all ${size}`)
}

const told = (what: string, made: readonly string[]) => console.log(`${what}: ${made.join(', ') || 'up to date'}`)
