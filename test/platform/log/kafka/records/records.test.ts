import { createRequire } from 'node:module'
import { expect } from 'chai'
import fc from 'fast-check'
import type { KafkaMessage, Message } from 'kafkajs'
import { fromMessage, toMessage } from '#platform/log/kafka/message.ts'
import { crc32c } from '#platform/log/kafka/records/crc32c.ts'
import { readFetch } from '#platform/log/kafka/records/read.ts'
import { type ProduceRequest, writeProduce } from '#platform/log/kafka/records/write.ts'
import { plainWire } from '#platform/log/kafka/wire.ts'

// kafkajs's own reading and writing, which its types do not declare.
const require = createRequire(import.meta.url)
const produceByKafkajs = require('kafkajs/src/protocol/requests/produce/v7/request.js')
const fetchByKafkajs = require('kafkajs/src/protocol/requests/fetch/v11/response.js')
const { CompressionTypes } = require('kafkajs')

const NO_COMPRESSION = 0

const text = fc
  .tuple(fc.string({ unit: 'binary', maxLength: 70 }), fc.constantFrom(1, 1, 1, 2, 200))
  .map(([text, times]) => text.repeat(times))
const bytes = text.map((text) => Buffer.from(text, 'utf16le'))
/** kafkajs takes what every object has inherited for a first value. */
const names = fc.string({ minLength: 1, maxLength: 70 }).filter((name) => !(name in {}))
/** Of any size: lengths, offsets and times take one byte and more. */
const message: fc.Arbitrary<Message> = fc.record(
  {
    key: fc.oneof(text, fc.constant(null)),
    value: fc.oneof(bytes, fc.constant(null)),
    headers: fc.dictionary(names, text, { maxKeys: 20, noNullPrototype: true }),
    timestamp: fc.integer({ min: 1_000_000_000_000, max: 2_000_000_000_000 }).map(String),
  },
  { requiredKeys: ['value', 'timestamp'] },
)
const partitions = fc.array(
  fc.record({
    partition: fc.nat(100),
    firstSequence: fc.nat(),
    messages: fc.oneof(
      fc.array(message, { minLength: 1, maxLength: 5 }),
      fc.array(message, { minLength: 65, maxLength: 70, size: 'xsmall' }),
    ),
  }),
  { minLength: 1, maxLength: 3 },
)
const topicData = fc.array(fc.record({ topic: fc.string({ minLength: 1, maxLength: 100 }), partitions }), {
  minLength: 1,
  maxLength: 2,
})

const requestOf = (topicData: ProduceRequest['topicData'], over: Partial<ProduceRequest> = {}): ProduceRequest => ({
  acks: -1,
  timeout: 30_000,
  producerId: '4711',
  producerEpoch: 3,
  topicData,
  ...over,
})
const byKafkajs = async (request: ProduceRequest, compression = NO_COMPRESSION): Promise<Buffer> =>
  (await produceByKafkajs({ ...request, compression }).encode()).buffer

/** The answer to a fetch that has these record batches, each in a partition of its own. */
function answer(batches: readonly Buffer[]): Buffer {
  const int = (size: number, value: number | bigint) => {
    const buffer = Buffer.alloc(size)
    if (size === 8) buffer.writeBigInt64BE(BigInt(value))
    else buffer.writeIntBE(Number(value), 0, size)
    return buffer
  }
  const parts = batches.map((batch, i) =>
    Buffer.concat([
      int(4, i),
      int(2, 0),
      ...[10n ** 15n + 7n, 10n ** 15n, 3].map((offset) => int(8, offset)),
      int(4, i % 2 ? -1 : 0),
      int(4, -1),
      int(4, batch.length),
      batch,
    ]),
  )
  return Buffer.concat([
    int(4, 5),
    int(2, 0),
    int(4, 6),
    int(4, 1),
    int(2, 6),
    Buffer.from('things'),
    int(4, parts.length),
    ...parts,
  ])
}

/** The record batches of a Produce request to one topic, as they lie in a partition from this offset on. */
function batchesOf(request: Buffer, topic: string, firstOffset: number): Buffer[] {
  const batches: Buffer[] = []
  let at = 2 + 2 + 4 + 4 + 2 + Buffer.byteLength(topic)
  for (let left = request.readInt32BE(at); left > 0; left--) {
    const size = request.readInt32BE(at + 8)
    const batch = Buffer.from(request.subarray(at + 12, at + 12 + size))
    batch.writeBigInt64BE(BigInt(firstOffset))
    batches.push(batch)
    at += 8 + size
  }
  return batches
}

/** What both read, without kafkajs's own notes on each message. */
// biome-ignore lint/suspicious/noExplicitAny: the answer of a module without types
function readable(answer: any) {
  const { responses, ...rest } = answer
  return {
    ...rest,
    // biome-ignore lint/suspicious/noExplicitAny: as above
    responses: responses.map(({ topicName, partitions }: any) => ({
      topicName,
      // biome-ignore lint/suspicious/noExplicitAny: as above
      partitions: partitions.map(({ messages, ...partition }: any) => ({
        ...partition,
        messages: messages.map(({ key, value, headers, offset, timestamp, attributes }: Record<string, never>) => ({
          ...{ key, value, offset, timestamp, attributes },
          headers: { ...(headers as unknown as object) },
        })),
      })),
    })),
  }
}

describe('records on the wire', () => {
  it('have the checksum CRC-32C', () => {
    const digits = Buffer.from('123456789')
    expect(crc32c(digits, 0, digits.length)).to.equal(0xe3069283)
    expect(crc32c(Buffer.alloc(32), 0, 32)).to.equal(0x8a9136aa)
    expect(crc32c(Buffer.concat([Buffer.from('??'), digits, digits]), 2, 11)).to.equal(0xe3069283)
  })

  it('are written byte by byte as kafkajs writes them', async () => {
    await fc.assert(
      fc.asyncProperty(topicData, fc.constantFrom(undefined, 'transaction'), async (topicData, transactionalId) => {
        const request = requestOf(topicData, { transactionalId })
        expect(writeProduce(request).equals(await byKafkajs(request))).to.equal(true)
      }),
      { numRuns: 50 },
    )
  })

  it('are written with a header that has several values, or none', async () => {
    const headers = { twice: ['a', Buffer.from('b')], one: Buffer.from('c') }
    const request = requestOf([
      { topic: 'things', partitions: [{ partition: 0, messages: [{ value: 'text', timestamp: '1700000000000', headers }] }] },
    ])
    expect(writeProduce(request).equals(await byKafkajs(request))).to.equal(true)
  })

  it('are read as kafkajs reads them', async () => {
    await fc.assert(
      fc.asyncProperty(partitions, fc.nat(2 ** 40), fc.nat(300), async (partitions, firstOffset, cut) => {
        const batches = batchesOf(writeProduce(requestOf([{ topic: 'things', partitions }])), 'things', firstOffset)
        // The broker cuts the last batch of a partition at its limit of bytes.
        const twice = batches.map((batch) => Buffer.concat([batch, batch.subarray(0, Math.min(cut, batch.length - 1))]))
        const raw = answer([...batches, Buffer.alloc(0), ...twice])
        const read = readFetch(raw)
        expect(read).not.to.equal(undefined)
        expect(readable(read)).to.deep.equal(readable(await fetchByKafkajs.decode(raw)))
      }),
      { numRuns: 50 },
    )
  })

  it('are left to kafkajs when they are compressed, transactional or of an older format', async () => {
    const one = (over: Partial<Message> = {}) => [
      {
        topic: 'things',
        partitions: [{ partition: 0, messages: [{ value: 'x'.repeat(300), timestamp: '1700000000000', ...over }] }],
      },
    ]
    const unusual = [batchesOf(await byKafkajs(requestOf(one()), CompressionTypes.GZIP), 'things', 0)[0]!]
    const [plain] = batchesOf(writeProduce(requestOf(one())), 'things', 0)
    const transactional = Buffer.from(plain!)
    transactional.writeInt16BE(16, 21)
    const old = Buffer.from(plain!)
    old[16] = 1
    expect(readFetch(answer([plain!]))).not.to.equal(undefined)
    for (const batch of [...unusual, transactional, old]) expect(readFetch(answer([plain!, batch]))).to.equal(undefined)
  })

  it('do not make the reader run on when their bytes are damaged', () => {
    const partitions = [{ partition: 0, messages: [{ key: 'k', value: 'v', timestamp: '1700000000000', headers: { a: 'b' } }] }]
    const [batch] = batchesOf(writeProduce(requestOf([{ topic: 'things', partitions }])), 'things', 0)
    fc.assert(
      fc.property(fc.nat(batch!.length - 1), fc.nat(255), (at, byte) => {
        const damaged = Buffer.from(batch!)
        damaged[at] = byte
        const { responses } = readFetch(answer([damaged])) ?? { responses: [] }
        for (const message of responses.flatMap(({ partitions }) => partitions.flatMap(({ messages }) => messages)))
          expect(() => fromMessage('things', 0, message, plainWire)).to.throw(/holds a foreign record|another length/)
      }),
      { numRuns: 1000 },
    )
  })

  it('give the event that was written, with the headers of other records before it', () => {
    const optional = fc.oneof(text, fc.constant(null))
    /** JSON does not begin with a zero byte, which is how the frame of a registry begins. */
    const payload = text.filter((text) => !text.startsWith('\0'))
    const event = fc.record({
      ...{
        id: text,
        type: text,
        topic: fc.constant('things'),
        partition: fc.constant(0),
        key: text,
        stream: text,
        actor: optional,
      },
      ...{ schema: fc.nat(), version: fc.nat(), pos: fc.nat(2 ** 50), time: fc.nat(2 ** 40) },
      ...{ correlationId: optional, causationId: optional, traceparent: optional, data: payload },
    })
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 4 }), (events) => {
        const messages = events.map((event) => toMessage(event, plainWire))
        const raw = answer(
          batchesOf(writeProduce(requestOf([{ topic: 'things', partitions: [{ partition: 0, messages }] }])), 'things', 7),
        )
        const read = readFetch(raw)!.responses[0]!.partitions[0]!.messages
        expect(read.map((message) => fromMessage('things', 0, message, plainWire))).to.deep.equal(events)
        // The same through the headers, as of a message of kafkajs.
        const plain = read.map(({ key, value, headers, offset }) => ({ key, value, headers, offset }) as KafkaMessage)
        expect(plain.map((message) => fromMessage('things', 0, message, plainWire))).to.deep.equal(events)
      }),
      { numRuns: 200 },
    )
  })

  it('may have a header without a value, several times', () => {
    const event = { id: 'i', type: 't', topic: 'things', partition: 0, key: 'k', stream: 's', actor: 'a', correlationId: 'c' }
    const rest = { schema: 1, version: 1, pos: 1, time: 1, causationId: 'd', traceparent: 'e', data: '{}' }
    const { headers, ...message } = toMessage({ ...event, ...rest }, plainWire)
    for (const name of Object.keys(headers!)) {
      const messages = Array.from({ length: 3 }, () => ({ ...message, headers: { ...headers, [name]: null as never } }))
      const request = requestOf([{ topic: 'things', partitions: [{ partition: 0, messages }] }])
      const [read] = readFetch(answer(batchesOf(writeProduce(request), 'things', 7)))!.responses[0]!.partitions
      const all = read!.messages.map((message) => {
        try {
          return fromMessage('things', 0, message, plainWire)
        } catch (error) {
          return (error as Error).constructor.name
        }
      })
      expect(all[1], name).to.deep.equal(all[0])
      expect(all[2], name).to.deep.equal(all[0])
    }
  })
})
