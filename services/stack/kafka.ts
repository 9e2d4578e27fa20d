import { join } from 'node:path'
import type { Settings } from '#platform/config/settings.ts'
import { type LocalKafka, LocalKafkaError, startKafka } from '#platform/kafka/local/index.ts'
import { usual } from '#platform/kafka/local/usual.ts'
import { OperatorError } from '#platform/operator-error.ts'

/** Runs the brokers that the settings ask for, with their data below the data folder; undefined if the settings ask for none. */
export async function localKafka(
  { KAFKA_BROKERS, KAFKA_LOCAL }: Settings,
  data: string,
  log: (line: string) => void,
): Promise<LocalKafka | undefined> {
  if (KAFKA_BROKERS || !KAFKA_LOCAL) return undefined
  const { folder, ports } = usual(KAFKA_LOCAL)
  try {
    return await startKafka({ dataDir: join(data, folder), brokers: KAFKA_LOCAL, ports, log })
  } catch (error) {
    throw error instanceof LocalKafkaError ? new OperatorError(error.message, { cause: error }) : error
  }
}
