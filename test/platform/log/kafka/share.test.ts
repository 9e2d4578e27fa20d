import { expect } from 'chai'
import fc from 'fast-check'
import type { KafkaMessage } from 'kafkajs'
import { sizeOf } from '#platform/log/kafka/records/record.ts'
import { share, type Waiting } from '#platform/log/kafka/share.ts'

/** What waits, given the sizes of its records; `offset` counts in each partition. */
function waiting(all: { partition: number; sizes: number[] }[]): Waiting[] {
  const offsets = new Map<number, number>()
  return all.map(({ partition, sizes }) => {
    const messages = sizes.map((size) => {
      const offset = offsets.get(partition) ?? 0
      offsets.set(partition, offset + 1)
      return { offset: String(offset), value: Buffer.alloc(size), key: null, headers: {} } as unknown as KafkaMessage
    })
    return { partition, messages, taken: 0, bytes: messages.reduce((sum, message) => sum + sizeOf(message), 0) }
  })
}

const anyWaiting = fc.array(
  fc.record({
    partition: fc.integer({ min: 0, max: 4 }),
    sizes: fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 30 }),
  }),
  { minLength: 1, maxLength: 8 },
)
const anyMost = fc.record({ records: fc.integer({ min: 1, max: 40 }), bytes: fc.integer({ min: 1, max: 20_000 }) })
const unbounded = Number.MAX_SAFE_INTEGER

describe('the records of a batch from Kafka', () => {
  it('are taken once each, in order within each partition, until nothing waits', () => {
    fc.assert(
      fc.property(anyWaiting, anyMost, (all, most) => {
        let left = waiting(all)
        const seen = new Map<number, number>()
        while (left.length > 0) {
          const { shares, ended, size } = share(left, most)
          expect(size).to.be.above(0)
          expect(shares.reduce((sum, { messages }) => sum + messages.length, 0)).to.equal(size)
          for (const { of, messages } of shares)
            for (const { offset } of messages) {
              expect(Number(offset)).to.equal(seen.get(of.partition) ?? 0)
              seen.set(of.partition, Number(offset) + 1)
            }
          for (const one of ended) expect([one.taken, one.bytes]).to.deep.equal([one.messages.length, 0])
          left = left.filter((one) => !ended.includes(one))
          for (const { taken, messages } of left) expect(taken).to.be.below(messages.length)
        }
        const total = all.reduce((sum, { sizes }) => sum + sizes.length, 0)
        expect([...seen.values()].reduce((sum, count) => sum + count, 0)).to.equal(total)
      }),
    )
  })

  it('are never more than asked for, and none comes after enough bytes', () => {
    fc.assert(
      fc.property(anyWaiting, anyMost, (all, most) => {
        const { shares, size } = share(waiting(all), most)
        const sizes = shares.flatMap(({ messages }) => messages).map(sizeOf)
        expect(size).to.be.at.most(most.records)
        expect(sizes.slice(0, -1).reduce((sum, one) => sum + one, 0)).to.be.below(most.bytes)
      }),
    )
  })

  it('are as many of each partition that has enough, so that partitions can be handled side by side', () => {
    const most = 24
    const partitions = fc.uniqueArray(fc.integer({ min: 0, max: 11 }), { minLength: 1, maxLength: 6 })
    const sizes = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: most, maxLength: 2 * most })
    fc.assert(
      fc.property(partitions, sizes, (partitions, sizes) => {
        const { shares } = share(waiting(partitions.map((partition) => ({ partition, sizes }))), {
          records: most,
          bytes: unbounded,
        })
        const counts = partitions.map((partition) =>
          shares.filter(({ of }) => of.partition === partition).reduce((sum, { messages }) => sum + messages.length, 0),
        )
        expect(Math.max(...counts) - Math.min(...counts)).to.be.at.most(Math.ceil(most / partitions.length))
        expect(Math.min(...counts)).to.be.at.least(Math.floor(most / partitions.length) - partitions.length)
        expect(counts.reduce((sum, count) => sum + count, 0)).to.equal(most)
      }),
    )
  })
})
