import { expect } from 'chai'
import { type Ministack, startMinistack } from './ministack.ts'

describe('MiniStack', () => {
  let ministack: Ministack
  before(async function () {
    ministack = await startMinistack(this)
  })

  it('answers for S3, SQS and Lambda', async () => {
    const { services } = (await (await fetch(`${ministack.url}/_ministack/health`)).json()) as {
      services: Record<string, string>
    }
    expect(services).to.include.keys('s3', 'sqs', 'lambda')
  })

  it('is gone when it was stopped', async () => {
    await ministack.stop()
    const answer = await fetch(`${ministack.url}/_ministack/health`).catch((error) => error)
    expect(answer).to.be.instanceOf(TypeError)
  })
})
