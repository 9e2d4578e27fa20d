import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  DeleteObjectCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { expect } from 'chai'
import { awsAccess } from '#platform/aws/access.ts'
import { serveAws } from '#platform/aws/local/server.ts'
import { QUEUES } from '#platform/aws/local/usual.ts'
import { localAwsEnvironment, oldestMessages, withLocalAws } from '#platform/aws/local/where.ts'
import { readSettings } from '#platform/config/settings.ts'
import { openObjects } from '#platform/objects/open.ts'
import { OperatorError } from '#platform/operator-error.ts'
import { openQueues } from '#platform/sqs/open.ts'
import type { Queues } from '#platform/sqs/queues.ts'
import { sqsQueues } from '#platform/sqs/sqs.ts'
import { eventually } from '#test/kit/eventually.ts'
import { startLocalAws, type TestLocalAws } from '#test/kit/local-aws.ts'
import { vidwiz } from '#test/kit/run.ts'
import { objectsConformance } from '../objects/suite.ts'

const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 5)
const TRANSCRIPT = `[${'{"text":"é😀"},'.repeat(1_000_000)}{}]`

describe('S3 and SQS in the data folder', function () {
  this.timeout(60_000)
  let local: TestLocalAws
  beforeEach(async () => {
    local = await startLocalAws()
  })
  afterEach(() => local.stop())

  /** With clients for the port of this start. */
  async function withQueues<T>(work: (queues: Queues, url: string) => Promise<T>): Promise<T> {
    const settings = local.settings()
    const queues = await openQueues(settings)
    try {
      return await work(queues, settings.SQS_AI_NOTE_QUEUE_URL!)
    } finally {
      queues.close()
    }
  }

  const restart = async () => {
    await local.kill()
    await local.start()
  }

  const withS3 = async <T>(work: (s3: S3Client) => Promise<T>) => {
    const s3 = new S3Client({ ...awsAccess(local.settings(), 'S3'), forcePathStyle: true, maxAttempts: 1 })
    return work(s3).finally(() => s3.destroy())
  }
  const errorOf = (work: Promise<unknown>) => work.then(() => undefined).catch((error) => error.name)

  it('keep every message through kill -9: those that wait, that somebody has in hand, and that were given back', async () => {
    const received = await withQueues(async (queues, url) => {
      await queues.sendBatch(
        url,
        Array.from({ length: 30 }, (_, i) => ({ id: String(i), body: `{"n":${i}}` })),
      )
      const [hidden] = await queues.receive(url, { max: 1, visibilitySeconds: 30 })
      const deleted = await queues.receive(url, { max: 3 })
      await queues.delete(
        url,
        deleted.map(({ receipt }) => receipt),
      )
      const [back] = await queues.receive(url, { max: 1 })
      await queues.extend(url, [back!.receipt], 0)
      return { hidden: hidden!, deleted }
    })
    await restart()
    await withQueues(async (queues, url) => {
      const { visible, inFlight } = await queues.attributes(url)
      expect({ visible, inFlight }).to.deep.equal({ visible: 26, inFlight: 1 })
      // The receipt of before is as good as it was.
      expect((await queues.delete(url, [received.hidden.receipt])).size).to.equal(0)
      const bodies = new Set<string>()
      while (bodies.size < 26) for (const { body } of await queues.receive(url)) bodies.add(body)
      expect(await queues.receive(url)).to.deep.equal([])
      for (const { body } of received.deleted) expect([...bodies]).to.not.include(body)
    })
  })

  it('lose no message that was answered, nor on its way to the dead letters, however often they are killed', async function () {
    this.timeout(ROUNDS * 20_000)
    const answered = new Set<string>()
    for (let round = 0; round < ROUNDS; round++) {
      await withQueues(async (queues, url) => {
        let killed = false
        const sending = (async () => {
          for (let i = 0; !killed; i++) {
            const messages = Array.from({ length: 10 }, (_, k) => ({ id: `${round}/${i}/${k}`, body: `${round}/${i}/${k}` }))
            for (const { id, messageId } of await queues.sendBatch(url, messages)) if (messageId) answered.add(id)
          }
        })()
        // Each message is received at once, again and again: the sixth time it is a dead letter.
        const receiving = (async () => {
          while (!killed) await queues.receive(url, { visibilitySeconds: 0 }).catch(() => {})
        })()
        await eventually(async () => {
          expect((await queues.attributes(`${url}-dead`)).visible).to.be.at.least(20 * (round + 1))
        })
        await local.kill()
        killed = true
        await Promise.all([sending, receiving])
      })
      await local.start()
    }
    await withQueues(async (queues, url) => {
      const found = new Map<string, string>()
      for (const from of [url, `${url}-dead`])
        for (let part = await queues.receive(from); part.length > 0; part = await queues.receive(from))
          for (const { body, messageId } of part) {
            expect(found.get(body) ?? messageId, 'a message is there once').to.equal(messageId)
            found.set(body, messageId)
          }
      const lost = [...answered].filter((body) => !found.has(body))
      expect(lost).to.deep.equal([])
      expect(answered.size).to.be.at.least(100)
    })
  })

  it('keep objects through kill -9, the largest transcripts among them', async () => {
    expect(Buffer.byteLength(TRANSCRIPT)).to.be.above(16 * 1024 * 1024)
    const before = await openObjects(local.settings())
    await before.put('transcripts/long.json', TRANSCRIPT, 'application/json')
    before.close()
    await restart()
    const objects = await openObjects(local.settings())
    expect((await objects.get('transcripts/long.json'))!.toString()).to.equal(TRANSCRIPT)
    objects.close()
  })

  it('copy what lay in the folder of objects, once: what was deleted since stays deleted', async () => {
    await local.kill()
    const folder = join(local.data, 'objects', 'transcripts')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'old.json'), '["old"]')
    writeFileSync(join(folder, 'cut-short.json.5f~'), '["old"')
    // As if it were the first start.
    rmSync(join(local.data, 'aws', 'imported.json'))
    await local.start()
    const get = async (key: string) => {
      const objects = await openObjects(local.settings())
      const body = await objects.get(key)
      objects.close()
      return body?.toString()
    }
    expect(await get('transcripts/old.json')).to.equal('["old"]')
    expect(await get('transcripts/cut-short.json.5f')).to.equal(undefined)
    await withS3((s3) => s3.send(new DeleteObjectCommand({ Bucket: 'vidwiz', Key: 'transcripts/old.json' })))
    await restart()
    expect(await get('transcripts/old.json')).to.equal(undefined)
    expect(readFileSync(join(folder, 'old.json'), 'utf8')).to.equal('["old"]')
  })

  it('are closed to who does not know the keys of the folder', async () => {
    const { AWS_ENDPOINT_URL: url, AWS_SECRET_ACCESS_KEY } = local.env()
    const stranger = readSettings({ ...local.env(), AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY })
    const queues = await openQueues(stranger)
    const objects = await openObjects(stranger)
    expect(await errorOf(queues.attributes(stranger.SQS_AI_NOTE_QUEUE_URL!))).to.equal('InvalidClientTokenId')
    expect(await errorOf(objects.get('transcripts/a.json'))).to.equal('InvalidAccessKeyId')
    expect(await errorOf(objects.put('transcripts/a.json', '[]', 'application/json'))).to.equal('InvalidAccessKeyId')
    // As a page in a browser may post it without asking.
    const form = new FormData()
    form.set('key', 'transcripts/a.json')
    form.set('file', new Blob(['[]']))
    for (const [path, init] of [
      ['/vidwiz', { method: 'POST', body: form }],
      ['/vidwiz'],
      ['/_fauxqs/queues'],
      ['/_vidwiz/oldest'],
    ] as const)
      expect((await fetch(`${url}${path}`, init)).status, path).to.equal(403)
    queues.close()
    objects.close()
  })

  it('refuse what they would do wrong', async () => {
    const where = { Bucket: 'vidwiz', Key: 'transcripts/a.json' }
    await withS3(async (s3) => {
      await s3.send(new PutObjectCommand({ ...where, Body: '[1]', IfNoneMatch: '*' }))
      expect(await errorOf(s3.send(new PutObjectCommand({ ...where, Body: '[2]', IfNoneMatch: '*' })))).to.equal(
        'PreconditionFailed',
      )
      expect(await errorOf(s3.send(new PutObjectTaggingCommand({ ...where, Tagging: { TagSet: [] } })))).to.equal(
        'NotImplemented',
      )
      const notify = new PutBucketNotificationConfigurationCommand({ Bucket: 'vidwiz', NotificationConfiguration: {} })
      expect(await errorOf(s3.send(notify))).to.equal('NotImplemented')
    })
    const objects = await openObjects(local.settings())
    expect((await objects.get(where.Key))!.toString()).to.equal('[1]')
    objects.close()
  })

  it('give no message to who has hung up', () =>
    withQueues(async (queues, url) => {
      for (let i = 0; i < 5; i++) {
        const abort = new AbortController()
        const waiting = queues.receive(url, { waitSeconds: 20, signal: abort.signal })
        await new Promise((resolve) => setTimeout(resolve, 50))
        abort.abort()
        await waiting
      }
      const patient = queues.receive(url, { waitSeconds: 20 })
      await queues.sendBatch(url, [{ id: 'a', body: 'for who is still there' }])
      expect((await patient).map(({ body, receiveCount }) => [body, receiveCount])).to.deep.equal([['for who is still there', 1]])
    }))

  it('outlive a request that makes no sense', async () => {
    const { AWS_ENDPOINT_URL: url, AWS_ACCESS_KEY_ID: id, SQS_AI_NOTE_QUEUE_URL: QueueUrl } = local.env()
    for (const body of [{ QueueUrl }, { QueueUrl, Entries: 7 }, { QueueUrl, Entries: [{ Id: 'a' }] }]) {
      const headers = {
        authorization: `AWS4-HMAC-SHA256 Credential=${id}/x`,
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'AmazonSQS.SendMessageBatch',
      }
      const answer = await fetch(url!, { method: 'POST', headers, body: JSON.stringify(body) })
      expect(answer.status).to.be.at.least(400)
    }
    await withQueues(async (queues, url) => {
      expect((await queues.sendBatch(url, [{ id: 'a', body: 'b' }]))[0]!.messageId).to.be.a('string')
    })
  })

  it('know a queue by its name, in whatever region a client asks', async () => {
    await withQueues((queues, url) => queues.sendBatch(url, [{ id: 'a', body: 'kept' }]))
    const abroad = await openQueues(readSettings({ ...local.env(), AWS_REGION: 'eu-west-1' }))
    const url = await abroad.create('vidwiz-ai-notes')
    expect((await abroad.attributes(url)).visible).to.equal(1)
    abroad.close()
  })

  it('tell when the oldest message was sent, that is hidden as well', async () => {
    const before = Date.now()
    await withQueues(async (queues, url) => {
      await queues.sendBatch(url, [{ id: 'a', body: 'old' }])
      await queues.receive(url)
      await new Promise((resolve) => setTimeout(resolve, 20))
      await queues.sendBatch(url, [{ id: 'a', body: 'young' }])
    })
    const oldest = (await oldestMessages(local.settings()))!
    expect(oldest['vidwiz-ai-notes']).to.be.within(before, before + 1_000)
    expect(oldest['vidwiz-summaries']).to.equal(null)
  })

  it('stand in for one of the two while the other is elsewhere, and take the keys of that one as well', async () => {
    await local.kill()
    await local.start({ AWS_ACCESS_KEY_ID: 'theirs', AWS_SECRET_ACCESS_KEY: 'secret' })
    const theirs = {
      VIDWIZ_DATA: local.data,
      AWS_ACCESS_KEY_ID: 'theirs',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_REGION: 'eu-west-1',
    }
    const leads = (more: Record<string, string>) => localAwsEnvironment(readSettings({ VIDWIZ_DATA: local.data, ...more }))
    const sqs = leads({ ...theirs, S3_BUCKET_NAME: 'theirs' })
    expect(sqs).to.have.all.keys('SQS_ENDPOINT', ...Object.keys(QUEUES))
    const queues = await openQueues(readSettings({ ...theirs, S3_BUCKET_NAME: 'theirs', ...sqs }))
    expect((await queues.sendBatch(sqs.SQS_AI_NOTE_QUEUE_URL!, [{ id: 'a', body: 'b' }]))[0]!.messageId).to.be.a('string')
    queues.close()
    const both = { SQS_AI_NOTE_QUEUE_URL: 'http://a/1/notes', SQS_SUMMARY_QUEUE_URL: 'http://a/1/summaries' }
    const s3 = leads({ ...theirs, ...both })
    expect(s3).to.have.all.keys('S3_ENDPOINT', 'S3_BUCKET_NAME')
    expect(leads({ ...theirs, ...both, S3_BUCKET_NAME: 'theirs' })).to.deep.equal({})
    expect(() => leads({ S3_BUCKET_NAME: 'theirs' })).to.throw(OperatorError, /AWS_ACCESS_KEY_ID/)
  })

  it('are found by whoever knows the folder, and belong to one process', async () => {
    const settings = withLocalAws(readSettings({ VIDWIZ_DATA: local.data }), { VIDWIZ_DATA: local.data })
    expect(settings).to.include({ S3_BUCKET_NAME: 'vidwiz', AWS_ENDPOINT_URL: local.env().AWS_ENDPOINT_URL })
    expect(settings.SQS_SUMMARY_QUEUE_URL).to.match(/\/000000000000\/vidwiz-summaries$/)
    const second = await vidwiz(['run', 'local-aws'], { VIDWIZ_DATA: local.data, AWS_LOCAL_PORT: '0' }).finished
    expect(second.stderr).to.match(/^vidwiz: the S3 and SQS in .* are served by process \d+ already\n$/)
    expect(second.code).to.equal(1)
    const port = new URL(local.env().AWS_ENDPOINT_URL!).port
    const other = { VIDWIZ_DATA: join(local.data, 'other'), AWS_LOCAL_PORT: port }
    expect((await vidwiz(['run', 'local-aws'], other).finished).stderr).to.match(
      /^vidwiz: port \d+ is taken: set AWS_LOCAL_PORT .*\n$/,
    )
  })
})

describe('S3 and SQS on a full disk', () => {
  it('ask for a new start rather than answer from what is not in the file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vidwiz-aws-full-'))
    const broken: unknown[] = []
    const open = (pages: number) =>
      serveAws({
        folder,
        port: 0,
        keyIds: new Set(['id']),
        async prepare({ persistence }) {
          persistence!.db.exec(`PRAGMA max_page_count = ${pages}`)
        },
        onBroken: (error) => broken.push(error),
      })
    const clientOf = ({ port }: { port: number }) =>
      sqsQueues({ region: 'x', endpoint: `http://127.0.0.1:${port}`, credentials: { accessKeyId: 'id', secretAccessKey: 'x' } })
    const server = await open(200)
    const queues = clientOf(server)
    const url = await queues.create('queue')
    const answered: string[] = []
    for (let i = 0; broken.length === 0; i++)
      for (const { id, messageId } of await queues.sendBatch(url, [{ id: `${i}`, body: `${i} ${'x'.repeat(50_000)}` }]))
        if (messageId) answered.push(id)
    expect(answered.length).to.be.within(5, 20)
    queues.close()
    await server.close()

    const again = await open(100_000)
    const later = clientOf(again)
    const found = [...(await later.receive(url)), ...(await later.receive(url))].map(({ body }) => body.split(' ')[0])
    expect(found).to.deep.equal(answered)
    later.close()
    await again.close()
    rmSync(folder, { recursive: true })
  })
})

describe('S3 in the data folder', () => {
  objectsConformance('the S3 of the data folder', async () => {
    const local = await startLocalAws()
    const objects = await openObjects(local.settings())
    return {
      objects,
      async close() {
        objects.close()
        await local.stop()
      },
    }
  })
})
