import { z } from 'zod'
import { type Chapter, flag, httpUrl, text, wholeNumber } from './kinds.ts'

const isBroker = (text: string) => {
  const [, port] = /^[^\s:]+:(\d{1,5})$/.exec(text) ?? []
  return port !== undefined && Number(port) > 0 && Number(port) <= 65_535
}

export const kafka = {
  title: 'Kafka',
  about:
    'Without `KAFKA_BROKERS` the topics are read from the log in Postgres. `KAFKA_SASL_USERNAME` and `…_PASSWORD` go together.',
  settings: {
    KAFKA_BROKERS: z
      .string()
      .transform((list) => list.split(',').map((broker) => broker.trim()))
      .refine((brokers) => brokers.every(isBroker), 'must be host:port[,host:port…]')
      .optional()
      .meta({
        description: 'Brokers of the cluster that carries the topics, as `host:port,host:port`.',
        unset: 'the embedded log',
      }),
    KAFKA_LOCAL: z
      .enum(['1', '3'], { error: 'must be 1 or 3' })
      .transform((count) => (count === '1' ? 1 : 3))
      .optional()
      .meta({
        description:
          'Number of brokers that `make start` runs on this machine: 1 or 3. `npx vidwiz start --kafka` sets it. Needs Java 17 and Maven.',
        unset: 'none',
      }),
    KAFKA_PREFIX: z
      .string()
      .regex(/^[A-Za-z0-9._-]{0,100}$/, 'may only hold letters, digits, dots, dashes and underscores')
      .default('')
      .describe('Prefix of the names of topics and consumer groups.'),
    KAFKA_REPLICATION: wholeNumber('a whole number from 1 to 9', 1, 9).optional().meta({
      description: 'Copies of each partition. A write must reach all but one of them.',
      unset: '3, or the number of brokers if there are fewer',
    }),
    KAFKA_SSL: flag.default(false).describe('1: connect to the brokers over TLS.'),
    KAFKA_SASL_MECHANISM: z
      .enum(['plain', 'scram-sha-256', 'scram-sha-512'], { error: 'must be plain, scram-sha-256 or scram-sha-512' })
      .default('scram-sha-512')
      .describe('`plain`, `scram-sha-256` or `scram-sha-512`.'),
    KAFKA_SASL_USERNAME: text.meta({ description: 'Name of the login at the brokers.', unset: 'no login' }),
    KAFKA_SASL_PASSWORD: text.meta({ description: 'Password of the login at the brokers.', unset: 'no login', secret: true }),
    SCHEMA_REGISTRY_URL: httpUrl.optional().meta({
      description:
        'A schema registry that speaks Confluent’s API, with user and password in the URL if it wants them. Schemas are registered and checked there, and payloads carry its frame.',
      unset: 'payloads are plain JSON',
    }),
    RELAY_KEEP_DAYS: wholeNumber('a whole number of days, at least 1', 1, 36_500).optional().meta({
      description: 'Days for which events that are published on Kafka stay in the database as well.',
      unset: 'for ever',
    }),
  },
} satisfies Chapter
