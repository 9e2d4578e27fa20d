import { Command, Option } from 'commander'
import { topics } from '#events/topics.ts'
import { pasteable } from '#platform/config/pasteable.ts'
import { readSettings } from '#platform/config/settings.ts'
import { catchUp, differences } from '#platform/log/kafka/move.ts'
import { kafkaOptions } from '#platform/log/kafka/options.ts'
import { kafkaReader } from '#platform/log/kafka/reader.ts'
import { openWire } from '#platform/log/kafka/schemas.ts'
import { withTopics } from '#platform/log/kafka/topics.ts'
import { postgresReader } from '#platform/log/postgres/reader.ts'
import { OperatorError } from '#platform/service.ts'
import { connected } from './connect.ts'
import { progressPrinter } from './progress.ts'

/** `log move --to kafka`. */
export const logCommand = (): Command => {
  const command = new Command('log').description('the log of events as a whole')
  command
    .command('move')
    .description(
      'copy the embedded log to Kafka, position by position. If interrupted, it continues where it stopped. Services may run meanwhile.',
    )
    .addOption(new Option('--to <log>', 'where to').choices(['kafka']).makeOptionMandatory())
    .action(() => move())
  return command
}

async function move(): Promise<void> {
  const settings = readSettings()
  const kafka = kafkaOptions(settings)
  if (!kafka) throw new OperatorError('KAFKA_BROKERS is not set: it names the brokers to copy the log to')
  const wire = await openWire(settings)
  const created = await withTopics(kafka, (tools) => tools.create(topics, { replication: settings.KAFKA_REPLICATION }))
  for (const name of created) console.log(`created ${name}`)

  await connected(async ({ db, listener }) => {
    const progress = progressPrinter('log')
    const moved = await catchUp({ ...kafka, db, listener, topics, wire, onProgress: progress.show })
    progress.end()
    console.log(`published ${moved.events.toLocaleString('en')} events, up to position ${moved.pos.toLocaleString('en')}`)

    const source = postgresReader(db, listener)
    const target = kafkaReader(db, { ...kafka, name: 'vidwiz cli' })
    try {
      const verifying = progressPrinter('log')
      const found = await differences(topics, source, target, moved.pos, verifying.show)
      verifying.end()
      if (found.different > 0)
        throw new OperatorError(
          `Kafka does not hold what the log holds: ${found.different} events differ\n${found.sentences.join('\n')}`,
        )
      console.log(`verified: Kafka holds all ${found.compared.toLocaleString('en')} events, each where and as the log has it`)
      console.log(
        pasteable(
          'Set KAFKA_BROKERS for every service, and run the relay (npx vidwiz run relay): consumers continue where they are.',
        ),
      )
    } finally {
      await target.close()
      await source.close()
    }
  })
}
