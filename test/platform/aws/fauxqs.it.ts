import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type FauxqsParts, fauxqsParts, type Persistence, type SqsStore } from '#platform/aws/local/fauxqs.ts'

const MEND = 'fauxqs has changed here: take this out of platform/aws/local/mended.ts or guard.ts, and then out of this file'

/**
 * What fauxqs does without us. Each of these is mended in platform/aws/local; one that fails says that there is nothing left to
 * mend. That our server does better is in local.it.ts.
 */
describe('fauxqs by itself', () => {
  let parts: FauxqsParts
  let folder: string
  let persistence: Persistence
  let store: SqsStore
  before(async () => {
    parts = await fauxqsParts()
  })
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vidwiz-fauxqs-'))
    persistence = new parts.PersistenceManager(folder)
    store = new parts.SqsStore()
    store.persistence = persistence
  })
  afterEach(() => {
    persistence.close()
    rmSync(folder, { recursive: true })
  })

  const queueIn = (region: string, name = 'queue') =>
    store.createQueue(name, `http://sqs.${region}.localhost/000000000000/${name}`, `arn:aws:sqs:${region}:000000000000:${name}`)
  const send = async (body: string) => {
    const { SqsStore } = parts as unknown as { SqsStore: { createMessage(body: string): object } }
    const queue = queueIn('eu-west-1') as unknown as { enqueue(message: object): void }
    queue.enqueue(SqsStore.createMessage(body))
    return store.getQueueByName('queue')!
  }
  const messagesInFile = () => persistence.db.prepare('select count(*) as count from sqs_messages').get()!.count

  it('is of the version that we looked into', () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.resolve('fauxqs')), 'utf8'))
    expect(version, 'read its changes, then run these tests').to.equal('2.4.1')
  })

  it('cannot give a message back before its time', async () => {
    const queue = await send('body')
    const [{ ReceiptHandle }] = queue.dequeue(1) as [{ ReceiptHandle: string }]
    const { changeVisibility } = queue as unknown as { changeVisibility(receipt: string, seconds: number): void }
    expect(() => changeVisibility.call(queue, ReceiptHandle, 0), MEND).to.throw('NOT NULL constraint failed')
  })

  it('refuses emoji', () => expect(parts.INVALID_MESSAGE_BODY_CHAR.test('😀'), MEND).to.equal(true))

  it('loses the messages of a queue to one of the same name in another region', async () => {
    await send('body')
    expect(messagesInFile()).to.equal(1)
    queueIn('us-east-1')
    expect(messagesInFile(), MEND).to.equal(0)
  })

  it('looks every 20 ms whether there is something for who waits', async () => {
    const queue = queueIn('eu-west-1')
    let looks = 0
    queue.processTimers = () => void looks++
    await queue.waitForMessages(0.5)
    expect(looks, MEND).to.be.above(10)
  })

  it('writes each message of a batch by itself', () => {
    const text = (file: string) => readFileSync(new URL(file, import.meta.resolve('fauxqs')), 'utf8')
    for (const file of ['sqs/sqsStore.js', 'sqs/actions/sendMessageBatch.js', 'sqs/sqsRouter.js'])
      expect(text(file), MEND).to.not.match(/transaction|BEGIN/)
  })

  it('takes 11 MiB, listens everywhere, and looks at no precondition', () => {
    const app = readFileSync(new URL(import.meta.resolve('fauxqs')), 'utf8')
    expect(app, MEND).to.include('bodyLimit: 11 * 1_048_576').and.include('host: "0.0.0.0"')
    const put = readFileSync(new URL('s3/actions/putObject.js', import.meta.resolve('fauxqs')), 'utf8')
    expect(put, MEND).to.not.match(/if-none-match|tagging/)
  })
})
