import { expect } from 'chai'
import { keyOf, Unfit } from '#services/media-door/address.ts'

describe('the address of what a worker has stored', () => {
  it('leads to a key of our bucket', () => {
    expect(keyOf('s3://ours/transcripts/ada@example.com/Bees: a talk.txt', 'transcript', 'ours')).to.equal(
      'transcripts/ada@example.com/Bees: a talk.txt',
    )
  })

  for (const [address, why] of [
    ['s3://theirs/transcripts/a.txt', 'another bucket'],
    ['s3://ours/flashcards/a.json', 'does not lie in transcripts/'],
    ['s3://ours/', 'not an address'],
    ['https://ours/transcripts/a.txt', 'not an address'],
    ['file:///etc/passwd', 'not an address'],
  ])
    it(`is refused as ${address}`, () => {
      expect(() => keyOf(address!, 'transcript', 'ours')).to.throw(Unfit, why!)
    })

  it('is refused when we have no bucket', () => {
    expect(() => keyOf('s3://ours/transcripts/a.txt', 'transcript', undefined)).to.throw(Unfit, 'S3_BUCKET_NAME is not set')
  })
})
