import { expect } from 'chai'
import fc from 'fast-check'
import { murmur2, partitionOf } from '#platform/log/partitioner.ts'

describe('the partitioner', () => {
  // The vectors of Kafka's own test of its murmur2.
  const vectors: [string, number][] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ]
  for (const [key, hash] of vectors) it(`hashes ${JSON.stringify(key)} as Kafka does`, () => expect(murmur2(key)).to.equal(hash))

  it('always names a partition that exists, and the same one for the same key', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 100 }), (key, partitions) => {
        const partition = partitionOf(key, partitions)
        expect(partition).to.be.within(0, partitions - 1)
        expect(partitionOf(key, partitions)).to.equal(partition)
      }),
    )
  })
})
