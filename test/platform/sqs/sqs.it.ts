import { expect } from 'chai'
import { readSettings } from '#platform/config/settings.ts'
import { openQueues } from '#platform/sqs/open.ts'
import { freePort } from '#test/kit/free-port.ts'
import { startLocalAws, type TestLocalAws } from '#test/kit/local-aws.ts'
import { startMinistack } from '#test/kit/ministack.ts'
import { queuesConformance } from './suite.ts'

describe('SQS', () => {
  let local: TestLocalAws
  before(async () => {
    local = await startLocalAws()
  })
  after(() => local?.stop())

  queuesConformance('the data folder', () => openQueues(local.settings()))

  queuesConformance('MiniStack', async (test) => openQueues(readSettings((await startMinistack(test)).env)))

  it('away is told for each message, after one attempt, as no fault of ours', async () => {
    const env = { AWS_ENDPOINT_URL: `http://127.0.0.1:${await freePort()}`, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }
    const queues = await openQueues(readSettings(env))
    const messages = Array.from({ length: 11 }, (_, i) => ({ id: String(i), body: 'x' }))
    const sent = await queues.sendBatch(`${env.AWS_ENDPOINT_URL}/1/somewhere`, messages)
    expect(sent.map(({ id }) => id)).to.deep.equal(messages.map(({ id }) => id))
    for (const { refusal } of sent) expect(refusal).to.include({ code: 'ECONNREFUSED', isOurFault: false })
    queues.close()
  })

  it('that does not know who asks refuses the same entry no longer once it does: it is no fault of the message', async () => {
    const queues = await openQueues(readSettings({ ...local.env(), AWS_ACCESS_KEY_ID: 'expired', AWS_SECRET_ACCESS_KEY: 'b' }))
    const [sent] = await queues.sendBatch(local.settings().SQS_AI_NOTE_QUEUE_URL!, [{ id: 'a', body: 'x' }])
    expect(sent!.refusal).to.include({ code: 'InvalidClientTokenId', isOurFault: false })
    queues.close()
  })

  it('is reached at the endpoint, whatever host a queue is said to have', async () => {
    const queues = await openQueues(local.settings())
    const url = 'http://sqs.eu-west-1.localhost:1/000000000000/vidwiz-ai-notes'
    expect((await queues.attributes(url)).deadLetters!.arn).to.match(/:vidwiz-ai-notes-dead$/)
    queues.close()
  })
})
