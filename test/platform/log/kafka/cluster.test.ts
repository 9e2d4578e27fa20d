import { expect } from 'chai'
import { type Broker, Kafka, logLevel } from 'kafkajs'
import { fetchFrom, openCluster } from '#platform/log/kafka/cluster.ts'

const record = { offset: '7', timestamp: '1', key: null, value: Buffer.from('x'), attributes: 0, headers: {} }
const partition = { partition: 3, highWatermark: '8', messages: [record] }

/** A broker whose answer to a fetch is `answer`. */
const broker = (answer: unknown) => ({ fetch: async () => answer }) as unknown as Broker
const fetched = (answer: unknown) => fetchFrom(broker(answer), { topics: [] })

describe('the cluster class of kafkajs', () => {
  it('is given without a connection and without a group', () => {
    const cluster = openCluster(new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING }))
    expect(cluster.isConnected()).to.equal(false)
    expect(cluster.addTargetTopic).to.be.a('function')
  })

  it('fetches the partitions of an answer', async () =>
    expect(await fetched({ responses: [{ partitions: [partition] }, { partitions: [] }] })).to.deep.equal([partition]))

  for (const [what, answer] of [
    ['no object', undefined],
    ['without topics', {}],
    ['a topic without partitions', { responses: [{}] }],
    ['a partition without its head', { responses: [{ partitions: [{ ...partition, highWatermark: undefined }] }] }],
    ['a record without its offset', { responses: [{ partitions: [{ ...partition, messages: [{ ...record, offset: 7 }] }] }] }],
    [
      'a record with a text for its bytes',
      { responses: [{ partitions: [{ ...partition, messages: [{ ...record, value: 'x' }] }] }] },
    ],
  ] as const)
    it(`refuses an answer that is not of the known form: ${what}`, async () => {
      const error = await fetched(answer).catch((error) => error)
      expect(error.message).to.equal('this release of kafkajs answers a fetch in a form that this code does not know')
    })
})
