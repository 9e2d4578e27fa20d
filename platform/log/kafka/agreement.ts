import type { Kafka } from 'kafkajs'
import type { Topic } from '#events/kit/stream.ts'
import { atMost, untilAborted } from '#platform/deadline.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { AheadOfLog, halt } from '../timeline.ts'
import { check, sentencesOf } from './check.ts'
import { openKafka, SOON } from './client.ts'
import { openFetcher } from './fetch.ts'
import type { KafkaOptions } from './options.ts'

const CLOSE_MS = 2_000

export interface Agreement {
  db: Queryable
  kafka: Kafka
  prefix: string
  topics: readonly Topic[]
  /** Ends the wait for Kafka's answer; nothing is compared then. */
  signal?: AbortSignal
}

/**
 * Compares the ends of all topics with the log. If a topic has more than the log, or less than was published, halts the log,
 * because their histories differ and new events would get positions that were used before.
 * @throws AheadOfLog, and errors of Kafka and of the database
 */
export async function assertAgrees({ db, kafka, prefix, topics, signal }: Agreement): Promise<void> {
  const fetcher = openFetcher(kafka)
  try {
    const checking = check({ db, fetcher, kafkaName: (topic) => prefix + topic, topics, isQuick: true })
    const found = await (signal ? untilAborted(signal, checking) : checking)
    const [sentence] = found ? sentencesOf(found) : []
    if (!sentence) return
    await halt(db, sentence)
    throw new AheadOfLog(sentence)
  } finally {
    await atMost(CLOSE_MS, fetcher.close())
  }
}

/** The same, with its own Kafka client. */
export async function assertKafkaAgrees(options: KafkaOptions, { db, topics }: Pick<Agreement, 'db' | 'topics'>): Promise<void> {
  const { kafka, close } = openKafka('vidwiz agreement', options, SOON)
  try {
    await assertAgrees({ db, kafka, prefix: options.prefix ?? '', topics })
  } finally {
    close()
  }
}
