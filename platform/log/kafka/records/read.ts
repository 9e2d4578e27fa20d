import type { KafkaMessage } from 'kafkajs'
import { Bytes } from './bytes.ts'
import { Layout, RawRecord } from './record.ts'

/** An answer to a Fetch request in version 11, in the form of kafkajs. */
export interface FetchAnswer {
  throttleTime: number
  clientSideThrottleTime: number
  errorCode: number
  sessionId: number
  responses: { topicName: string; partitions: PartitionAnswer[] }[]
}

interface PartitionAnswer {
  partition: number
  errorCode: number
  highWatermark: string
  lastStableOffset: string
  lastStartOffset: string
  abortedTransactions: []
  preferredReadReplica: number
  messages: KafkaMessage[]
}

/** Thrown for what only kafkajs reads. */
class Unusual extends Error {}

/**
 * Reads an answer as kafkajs does, five times as fast, and with the values of headers as strings. Reads only what the relay writes:
 * no compression, no transactions, no records in the format before Kafka 0.11.
 * @returns undefined for other records; kafkajs can read the answer then
 */
export function readFetch(answer: Buffer): FetchAnswer | undefined {
  try {
    return read(new Bytes(answer))
  } catch (error) {
    if (error instanceof Unusual || error instanceof RangeError) return undefined
    throw error
  }
}

function read(bytes: Bytes): FetchAnswer {
  const clientSideThrottleTime = bytes.int32()
  const errorCode = bytes.int16()
  const sessionId = bytes.int32()
  const layout = new Layout()
  const responses = array(bytes, () => ({
    topicName: bytes.text(bytes.int16()),
    partitions: array(bytes, () => readPartition(bytes, layout)),
  }))
  // The broker expects the client to wait for the throttle time, which kafkajs does for `clientSideThrottleTime`.
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses }
}

function array<T>(bytes: Bytes, element: () => T): T[] {
  const length = bytes.int32()
  const found: T[] = []
  for (let i = 0; i < length; i++) found.push(element())
  return found
}

function readPartition(bytes: Bytes, layout: Layout): PartitionAnswer {
  const partition = bytes.int32()
  const errorCode = bytes.int16()
  const highWatermark = String(bytes.int64())
  const lastStableOffset = String(bytes.int64())
  const lastStartOffset = String(bytes.int64())
  if (bytes.int32() > 0) throw new Unusual('aborted transactions')
  const preferredReadReplica = bytes.int32()
  const end = bytes.int32() + bytes.at
  const messages: KafkaMessage[] = []
  // The last batch may be incomplete: the broker cuts at the limit of bytes.
  while (end - bytes.at >= BATCH_HEAD && readBatch(bytes, end, layout, messages));
  bytes.at = Math.max(end, bytes.at)
  return {
    partition,
    errorCode,
    highWatermark,
    lastStableOffset,
    lastStartOffset,
    abortedTransactions: [],
    preferredReadReplica,
    messages,
  }
}

/** Bytes of a batch before its records. */
const BATCH_HEAD = 61
const MAGIC = 2
/** Without these attributes a batch is not compressed, has the producer's times and is part of no transaction. */
const UNUSUAL_ATTRIBUTES = 0x3f

/** Appends the messages of a batch. @returns false when it is incomplete */
function readBatch(bytes: Bytes, end: number, layout: Layout, messages: KafkaMessage[]): boolean {
  const { buffer, at } = bytes
  const firstOffset = Number(bytes.int64())
  const batchEnd = bytes.int32() + bytes.at
  if (batchEnd > end) {
    bytes.at = end
    return false
  }
  if (buffer[at + 16] !== MAGIC || buffer.readInt16BE(at + 21) & UNUSUAL_ATTRIBUTES) throw new Unusual('a batch')
  const firstTimestamp = Number(buffer.readBigInt64BE(at + 27))
  bytes.at = at + 57
  const count = bytes.int32()
  for (let i = 0; i < count; i++) {
    const start = bytes.at
    messages.push(readRecord(bytes, firstOffset, firstTimestamp, layout))
    // The form of this condition also refuses NaN, which a varint without end gives.
    if (!(bytes.at > start && bytes.at <= batchEnd)) throw new Unusual('a record of another length')
  }
  if (bytes.at !== batchEnd) throw new Unusual('a batch of another length')
  return true
}

function readRecord(bytes: Bytes, firstOffset: number, firstTimestamp: number, layout: Layout): KafkaMessage {
  const to = bytes.varint() + bytes.at
  const attributes = bytes.buffer[bytes.at++]!
  const time = firstTimestamp + bytes.varint()
  const offset = firstOffset + bytes.varint()
  const record = new RawRecord(bytes, to, { attributes, offset, time }, layout)
  bytes.at = to
  return record
}
