import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, PutBucketNotificationConfigurationCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { expect } from 'chai'
import { functions } from '#services/lambdas/kit/functions.ts'
import { sdkFolder } from '#services/lambdas/runner/unpack.ts'
import { buildZips } from '#services/lambdas/runner/zips.ts'
import { eventually } from '#test/kit/eventually.ts'
import { type Ministack, startMinistack } from '#test/kit/ministack.ts'
import { type ModelServer, startModelServer } from '#test/kit/model-server.ts'
import { ADMIN_TOKEN, type ApiServer, MODEL_KEY, NOTE, rows, SUMMARY, startApi, zipFolder } from './world.ts'

const VIDEO = 'dQw4w9WgXcQ'
const BUCKET = 'vidwiz'

/** The zips as real Lambdas: deployed by Lambda's API, fed by its event source mappings, woken by S3's notifications. */
describe('the zips as Lambdas of MiniStack', () => {
  let ministack: Ministack
  let api: ApiServer
  let model: ModelServer
  let s3: S3Client
  let sqs: SQSClient
  const temporary = mkdtempSync(join(tmpdir(), 'vidwiz-unpacked-lambdas-'))
  const queues: Record<string, { url: string; arn: string }> = {}

  before(async function () {
    // The runtime of AWS has the SDK; here it lies above the folders in which functions are unpacked.
    mkdirSync(join(temporary, 'node_modules'))
    symlinkSync(sdkFolder(), join(temporary, 'node_modules', '@aws-sdk'))
    ministack = await startMinistack(this, { TMPDIR: temporary })
    api = await startApi()
    model = await startModelServer()
    const {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secret,
    } = ministack.env
    const credentials = { accessKeyId, secretAccessKey: secret }
    s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
    sqs = new SQSClient({ endpoint, region, credentials, useQueueUrlAsEndpoint: false })
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET }))
    for (const name of ['notes', 'summaries', 'dispatch']) queues[name] = await queueWithDead(name)
    const zips = await buildZips(
      functions.map(({ name }) => name),
      zipFolder(),
    )
    for (const [i, source] of ['notes', 'summaries', 'dispatch'].entries()) {
      const { name, timeoutSeconds, memoryMb, batchSize } = functions[i]!
      await lambda('/2015-03-31/functions', {
        FunctionName: name,
        Runtime: 'nodejs22.x',
        Handler: 'handler.handler',
        Role: 'arn:aws:iam::000000000000:role/any',
        Timeout: timeoutSeconds,
        MemorySize: memoryMb,
        Code: { ZipFile: readFileSync(zips[i]!.path).toString('base64') },
        Environment: {
          Variables: {
            S3_BUCKET_NAME: BUCKET,
            VIDWIZ_ENDPOINT: api.url,
            VIDWIZ_TOKEN: ADMIN_TOKEN,
            GEMINI_API_KEY: MODEL_KEY,
            GEMINI_BASE_URL: model.url,
            SQS_QUEUE_URL: queues.notes!.url,
            SQS_SUMMARY_QUEUE_URL: queues.summaries!.url,
          },
        },
      })
      await lambda('/2015-03-31/event-source-mappings/', {
        FunctionName: name,
        EventSourceArn: queues[source]!.arn,
        BatchSize: batchSize,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      })
    }
    const Filter = {
      Key: {
        FilterRules: [
          { Name: 'prefix' as const, Value: 'transcripts/' },
          { Name: 'suffix' as const, Value: '.json' },
        ],
      },
    }
    await s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: BUCKET,
        NotificationConfiguration: {
          QueueConfigurations: [{ QueueArn: queues.dispatch!.arn, Events: ['s3:ObjectCreated:*'], Filter }],
        },
      }),
    )
  })
  after(async () => {
    await ministack?.stop()
    await api?.stop()
    await model?.stop()
    rmSync(temporary, { recursive: true, force: true })
  })

  async function queueWithDead(name: string) {
    const make = async (QueueName: string, Attributes: Record<string, string>) => {
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))
      const { Attributes: made } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }))
      return { url: QueueUrl!, arn: made!.QueueArn! }
    }
    const dead = await make(`${name}-dead`, {})
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 2 })
    return make(name, { VisibilityTimeout: '5', RedrivePolicy })
  }

  async function lambda(path: string, body: object) {
    const answer = await fetch(ministack.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect(answer.status, await answer.text()).to.be.within(200, 299)
  }

  const count = async (QueueUrl: string) => {
    const AttributeNames = ['ApproximateNumberOfMessages' as const, 'ApproximateNumberOfMessagesNotVisible' as const]
    const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }))
    return AttributeNames.map((name) => Number(Attributes[name])).reduce((a, b) => a + b)
  }
  const patient = { withinMs: 60_000, everyMs: 100 }

  it('write the summary and all notes of a transcript that was put into the bucket', async function () {
    this.timeout(90_000)
    const notes = Array.from({ length: 12 }, (_, i) => ({
      id: i + 1,
      video_id: VIDEO,
      timestamp: '1:23',
      text: null,
      user_id: 7,
    }))
    api.videos.set(VIDEO, { title: 'A title', notes })
    model.answer(({ body }) => [body.systemInstruction.parts[0].text.includes('You summarise') ? SUMMARY : NOTE])
    await s3.send(
      new PutObjectCommand({
        Bucket: BUCKET,
        Key: `transcripts/${VIDEO}.json`,
        Body: JSON.stringify(rows),
        ContentType: 'application/json',
      }),
    )
    await eventually(() => {
      // On a slow machine a message may come twice: its function was not done with it when it became visible again.
      const paths = new Set(api.calls.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`))
      expect([...paths].sort(), ministack.output().slice(-2_000)).to.deep.equal(
        [`POST /v2/internal/videos/${VIDEO}/summary`, ...notes.map(({ id }) => `PATCH /v2/internal/notes/${id}`)].sort(),
      )
    }, patient)
    expect(api.videos.get(VIDEO)!.summary).to.equal(SUMMARY)
    for (const { url } of Object.values(queues)) await eventually(async () => expect(await count(url)).to.equal(0), patient)
  })

  it('fail one message of a batch alone, which ends in the dead-letter queue', async function () {
    this.timeout(90_000)
    const note = { id: 77, video_id: VIDEO, timestamp: '1:23', user_id: 7 }
    for (const MessageBody of ['no JSON', JSON.stringify(note)])
      await sqs.send(new SendMessageCommand({ QueueUrl: queues.notes!.url, MessageBody }))
    await eventually(async () => expect(await count(`${queues.notes!.url}-dead`)).to.equal(1), patient)
    await eventually(async () => expect(await count(queues.notes!.url)).to.equal(0), patient)
    expect(api.calls.map(({ method, path }) => `${method} ${path}`)).to.include(`PATCH /v2/internal/notes/${note.id}`)
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: `${queues.notes!.url}-dead` }))
    expect(Messages.map(({ Body }) => Body)).to.deep.equal(['no JSON'])
  })
})
