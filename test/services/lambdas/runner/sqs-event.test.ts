import { expect } from 'chai'
import type { Received } from '#platform/sqs/queues.ts'
import { outcomeOf, sqsEvent } from '#services/lambdas/runner/sqs-event.ts'

const received = (messageId: string, more: Partial<Received> = {}): Received => ({
  messageId,
  receipt: `r-${messageId}`,
  body: '{}',
  receiveCount: 1,
  sentAt: 1,
  systemAttributes: {},
  attributes: {},
  md5OfBody: 'm',
  ...more,
})
const batch = ['a', 'b', 'c'].map((id) => received(id))
const doneOf = (answer: unknown) => outcomeOf(batch, answer).done.map(({ messageId }) => messageId)

describe('the answer of a function to a batch', () => {
  it('means that all is done when it names no failure', () => {
    for (const answer of [null, undefined, {}, { batchItemFailures: [] }, { batchItemFailures: null }, 'x'])
      expect(doneOf(answer), JSON.stringify(answer)).to.deep.equal(['a', 'b', 'c'])
  })

  it('fails those it names', () => {
    const { done, failed } = outcomeOf(batch, { batchItemFailures: [{ itemIdentifier: 'b' }, { itemIdentifier: 'b' }] })
    expect([done, failed].map((some) => some.map(({ messageId }) => messageId))).to.deep.equal([['a', 'c'], ['b']])
  })

  it('fails the whole batch when it names them wrongly', () => {
    for (const failures of [
      [{ itemIdentifier: '' }],
      [{ itemIdentifier: null }],
      [{ itemIdentifier: 'unknown' }],
      [{ itemIdentifier: 'a' }, { itemIdentifier: 'unknown' }],
      [{ id: 'a' }],
      [null],
      'a',
      {},
    ])
      expect(doneOf({ batchItemFailures: failures }), JSON.stringify(failures)).to.deep.equal([])
  })
})

describe('the event of a function', () => {
  it('is as AWS makes it', () => {
    const message = received('i', {
      body: 'b',
      receiveCount: 2,
      systemAttributes: { ApproximateReceiveCount: '2', SentTimestamp: '1' },
      attributes: { A: { type: 'String', text: 'x' }, B: { type: 'Binary', bytes: Buffer.from('y') } },
    })
    expect(sqsEvent([message], 'http://127.0.0.1:4566/000000000000/vidwiz-ai-notes', 'eu-west-1')).to.deep.equal({
      Records: [
        {
          messageId: 'i',
          receiptHandle: 'r-i',
          body: 'b',
          attributes: { ApproximateReceiveCount: '2', SentTimestamp: '1' },
          messageAttributes: {
            A: { stringValue: 'x', stringListValues: [], binaryListValues: [], dataType: 'String' },
            B: { binaryValue: 'eQ==', stringListValues: [], binaryListValues: [], dataType: 'Binary' },
          },
          md5OfBody: 'm',
          eventSource: 'aws:sqs',
          eventSourceARN: 'arn:aws:sqs:eu-west-1:000000000000:vidwiz-ai-notes',
          awsRegion: 'eu-west-1',
        },
      ],
    })
  })
})
