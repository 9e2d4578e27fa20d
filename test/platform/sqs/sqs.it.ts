import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
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
    expect(sent!.refusal).to.include({ code: 'InvalidClientTokenId', isSetup: true })
    queues.close()
  })

  it('is asked again to delete what it fails to, and no more than that', async () => {
    const asked: string[][] = []
    const says: Record<string, (times: number) => object | undefined> = {
      done: () => undefined,
      'done in the end': (times) => (times < 3 ? { Code: 'InternalError', SenderFault: false } : undefined),
      failing: () => ({ Code: 'InternalError', Message: 'we encountered one', SenderFault: false }),
      gone: () => ({ Code: 'ReceiptHandleIsInvalid', SenderFault: true }),
    }
    const server = createServer(async (request, response) => {
      const { Entries } = (await json(request)) as { Entries: { Id: string; ReceiptHandle: string }[] }
      asked.push(Entries.map(({ ReceiptHandle }) => ReceiptHandle))
      const answers = Entries.map(({ Id, ReceiptHandle }) => ({ Id, refusal: says[ReceiptHandle]!(asked.length) }))
      const Failed = answers.flatMap(({ Id, refusal }) => (refusal ? [{ Id, ...refusal }] : []))
      const Successful = answers.flatMap(({ Id, refusal }) => (refusal ? [] : [{ Id }]))
      response.setHeader('content-type', 'application/x-amz-json-1.0').end(JSON.stringify({ Successful, Failed }))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const queues = await openQueues(readSettings({ AWS_ENDPOINT_URL: url, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }))
    const refused = await queues.delete(`${url}/1/somewhere`, Object.keys(says))
    queues.close()
    server.closeAllConnections()
    server.close()
    const failing = ['done in the end', 'failing']
    expect(asked).to.deep.equal([Object.keys(says), failing, failing])
    expect([...refused]).to.deep.equal([
      ['gone', { code: 'ReceiptHandleIsInvalid', message: '', isOurFault: true, isSetup: false }],
      ['failing', { code: 'InternalError', message: 'we encountered one', isOurFault: false, isSetup: false }],
    ])
  })

  it('is reached at the endpoint, whatever host a queue is said to have', async () => {
    const queues = await openQueues(local.settings())
    const url = 'http://sqs.eu-west-1.localhost:1/000000000000/vidwiz-ai-notes'
    expect((await queues.attributes(url)).deadLetters!.arn).to.match(/:vidwiz-ai-notes-dead$/)
    queues.close()
  })
})
