import { notes } from '../../events/topics.ts'
import { openKafka, openKafkajs } from '../../platform/log/kafka/client.ts'
import { openFetcher } from '../../platform/log/kafka/fetch.ts'
import { timed } from './measure.ts'

/**
 * Fetches and counts everything on the notes topic, in a separate process: with all of kafkajs, which decodes the records, or with
 * VidWiz's own records, of which it decodes nothing.
 */
export interface FetchReport {
  records: number
  tookMs: number
}

const [, , brokers, prefix, mode] = process.argv
const { kafka, close } = (mode === 'undecoded' ? openKafka : openKafkajs)('bench fetch', { brokers: brokers!.split(',') })
const fetcher = openFetcher(kafka)

let records = 0
const tookMs = await timed(async () => {
  const at = new Map(Array.from({ length: notes.partitions }, (_, partition) => [partition, 0]))
  while (at.size > 0)
    for (const [partition, { messages, next, end }] of await fetcher.fetch(prefix + notes.name, at)) {
      records += messages.length
      if (end) at.delete(partition)
      else at.set(partition, next)
    }
})
process.send!({ records, tookMs } satisfies FetchReport)
await fetcher.close()
close()
process.disconnect()
