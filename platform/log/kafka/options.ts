import type { Settings } from '#platform/config/settings.ts'

/** How to reach a Kafka cluster, and what our topics and groups are called there. */
export interface KafkaOptions {
  brokers: string[]
  /** Put before the name of each topic and consumer group, so that several systems can share a cluster. */
  prefix?: string
  ssl?: boolean
  sasl?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string }
}

export type KafkaSettings = Pick<
  Settings,
  'KAFKA_BROKERS' | 'KAFKA_PREFIX' | 'KAFKA_SSL' | 'KAFKA_SASL_MECHANISM' | 'KAFKA_SASL_USERNAME' | 'KAFKA_SASL_PASSWORD'
>

/** The Kafka options in the settings; undefined when the log is the embedded one. */
export function kafkaOptions(settings: KafkaSettings): KafkaOptions | undefined {
  const { KAFKA_BROKERS: brokers, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password = '' } = settings
  if (!brokers) return undefined
  return {
    brokers,
    prefix: settings.KAFKA_PREFIX,
    ssl: settings.KAFKA_SSL,
    ...(username ? { sasl: { mechanism: settings.KAFKA_SASL_MECHANISM, username, password } } : {}),
  }
}
