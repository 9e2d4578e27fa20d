import { expect } from 'chai'
import { batches } from '#platform/sqs/batches.ts'
import { MAX_BYTES } from '#platform/sqs/queues.ts'

const sizes = (list: number[]) => batches(list, (bytes) => bytes)

describe('batches for SQS', () => {
  it('hold ten at most, in the order they came in', () => {
    const list = Array.from({ length: 23 }, (_, i) => i)
    expect(batches(list).map((part) => part.length)).to.deep.equal([10, 10, 3])
    expect(batches(list).flat()).to.deep.equal(list)
    expect(batches([])).to.deep.equal([])
  })

  it('hold 1 MiB at most, to the byte', () => {
    expect(sizes([MAX_BYTES - 1, 1, 1])).to.deep.equal([[MAX_BYTES - 1, 1], [1]])
    expect(sizes([MAX_BYTES, 1])).to.deep.equal([[MAX_BYTES], [1]])
  })

  it('leave what is too large for any alone, and lose nothing beside it', () => {
    expect(sizes([1, MAX_BYTES + 1, 2, 3])).to.deep.equal([[1], [MAX_BYTES + 1], [2, 3]])
  })
})
