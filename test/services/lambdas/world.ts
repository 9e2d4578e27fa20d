import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { buildApp } from 'fauxqs'
import { pino } from 'pino'
import { readSettings } from '#platform/config/settings.ts'
import { openMetrics } from '#platform/telemetry/metrics.ts'
import { type Runner, type RunnerOptions, startRunner } from '#services/lambdas/runner/runner.ts'
import { type ModelServer, startModelServer } from '#test/kit/model-server.ts'

export const ADMIN_TOKEN = 'an admin token that only tests use'
export const MODEL_KEY = 'a model key that only tests use'
const REGION = 'eu-west-1'
const keys = { accessKeyId: 'an id that only tests use', secretAccessKey: 'a secret access key that only tests use' }

/** What a function did to the API. */
export interface Call {
  method: string
  path: string
  headers: Record<string, string | string[] | undefined>
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  body: any
}

/** Stands in for the internal routes of the API, where the real one is too heavy. As strict as the original one with what it is sent. */
export interface ApiServer {
  url: string
  calls: Call[]
  videos: Map<string, { title?: string | null; summary?: string | null; notes?: object[] }>
  /** Notes that are gone. */
  deleted: Set<number>
  /** Answers before anything else, if it answers at all. */
  refuse: ((call: Call) => number | undefined) | undefined
  stop(): Promise<void>
}

export async function startApi(): Promise<ApiServer> {
  const server = createServer(async (req, res) => {
    const sent = await text(req)
    const call: Call = { method: req.method!, path: req.url!, headers: req.headers, body: sent && JSON.parse(sent) }
    api.calls.push(call)
    const [status, body] = answer(call)
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')

  function answer(call: Call): [number, unknown] {
    const refused = api.refuse?.(call)
    if (refused !== undefined) return [refused, { error: { code: 'X', message: 'refused', details: null } }]
    if (call.headers.authorization !== `Bearer ${ADMIN_TOKEN}`) return [403, { error: { message: 'Invalid admin token' } }]
    const [, kind, id = '', what = ''] = /^\/v2\/internal\/(videos|notes)\/([^/]+)(?:\/([^/]+))?$/.exec(call.path) ?? []
    const route = `${call.method} ${kind} ${what}`.trim()
    const video = api.videos.get(id)
    const notFound: [number, unknown] = [404, { error: { code: 'NOT_FOUND', message: 'not found', details: null } }]
    const unknown = Object.keys(call.body || {}).filter((key) => !['text', 'generated_by_ai'].includes(key))
    if (route === 'PATCH notes' && unknown.length > 0)
      return [422, { error: { code: 'VALIDATION_ERROR', message: `Extra inputs are not permitted: ${unknown}`, details: [] } }]
    if (route === 'PATCH notes') return api.deleted.has(Number(id)) ? notFound : [200, { id: Number(id), ...call.body }]
    if (route === 'GET videos') return video ? [200, { video_id: id, title: null, summary: null, ...video }] : notFound
    if (route === 'GET videos ai-notes')
      return video?.notes?.length ? [200, { video_id: id, notes: video.notes, message: '' }] : notFound
    if (route === 'POST videos summary') {
      api.videos.set(id, { ...video, summary: call.body.summary })
      return [200, { video_id: id, summary: call.body.summary }]
    }
    return [404, { detail: 'Not Found' }]
  }

  await once(server, 'listening')
  const api: ApiServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: [],
    videos: new Map(),
    deleted: new Set(),
    refuse: undefined,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return api
}

/** S3 and SQS on this machine, with a bucket and three queues, each with a dead-letter queue. */
export interface Aws {
  url: string
  queues: Record<'notes' | 'summaries' | 'dispatch', string>
  put(videoId: string, rows: unknown): Promise<void>
  send(queueUrl: string, body: unknown): Promise<void>
  /** Bodies in a queue, taken out for good. */
  take(queueUrl: string): Promise<string[]>
  /** How many messages are there, and how many of them are hidden. */
  count(queueUrl: string): Promise<{ visible: number; hidden: number }>
  dead(queueUrl: string): string
  env: Record<string, string>
  stop(): Promise<void>
}

export async function startAws({ maxReceives = 3 } = {}): Promise<Aws> {
  const app = buildApp({ logger: false })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  const s3 = new S3Client({ region: REGION, endpoint: url, forcePathStyle: true, credentials: keys })
  const sqs = new SQSClient({ region: REGION, endpoint: url, useQueueUrlAsEndpoint: false, credentials: keys })
  await s3.send(new CreateBucketCommand({ Bucket: 'vidwiz' }))
  async function queue(QueueName: string): Promise<string> {
    const { QueueUrl: dead } = await sqs.send(new CreateQueueCommand({ QueueName: `${QueueName}-dead` }))
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: dead, AttributeNames: ['QueueArn'] }))
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: Attributes!.QueueArn, maxReceiveCount: maxReceives })
    const made = await sqs.send(new CreateQueueCommand({ QueueName, Attributes: { RedrivePolicy, VisibilityTimeout: '180' } }))
    return made.QueueUrl!
  }
  const queues = {
    notes: await queue('vidwiz-ai-notes'),
    summaries: await queue('vidwiz-summaries'),
    dispatch: await queue('dispatch'),
  }
  return {
    url,
    queues,
    dead: (queueUrl) => `${queueUrl}-dead`,
    async put(videoId, rows) {
      const Body = typeof rows === 'string' ? rows : JSON.stringify(rows)
      await s3.send(
        new PutObjectCommand({ Bucket: 'vidwiz', Key: `transcripts/${videoId}.json`, Body, ContentType: 'application/json' }),
      )
    },
    async send(QueueUrl, body) {
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: typeof body === 'string' ? body : JSON.stringify(body) }))
    },
    async take(QueueUrl) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 600 }),
      )
      return Messages.map(({ Body }) => Body!)
    },
    async count(QueueUrl) {
      const AttributeNames = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const
      const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] }))
      const [visible, hidden] = AttributeNames.map((name) => Number(Attributes[name])) as [number, number]
      return { visible, hidden }
    },
    env: {
      SQS_ENDPOINT: url,
      S3_ENDPOINT: url,
      S3_BUCKET_NAME: 'vidwiz',
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      SQS_AI_NOTE_QUEUE_URL: queues.notes,
      SQS_SUMMARY_QUEUE_URL: queues.summaries,
    },
    async stop() {
      s3.destroy()
      sqs.destroy()
      await app.close()
    },
  }
}

/** One folder for the zips of a run: they are the same for every test. */
let folder: string | undefined
export const zipFolder = () => {
  folder ??= mkdtempSync(join(tmpdir(), 'vidwiz-lambdas-'))
  return folder
}
process.once('exit', () => folder && rmSync(folder, { recursive: true, force: true }))

/** All that the functions meet, and the runner on top. */
export interface World {
  aws: Aws
  api: ApiServer
  model: ModelServer
  /** What the runner and the functions logged. */
  lines: { level: string; msg: string; function?: string; requestId?: string; [more: string]: unknown }[]
  run(env?: Record<string, string>, options?: Partial<RunnerOptions>): Promise<Runner>
  stop(): Promise<void>
}

export async function startWorld(options: { maxReceives?: number } = {}): Promise<World> {
  const [aws, api, model] = await Promise.all([startAws(options), startApi(), startModelServer()])
  const runners: Runner[] = []
  const lines: World['lines'] = []
  const log = pino(
    { base: {}, formatters: { level: (level) => ({ level }) }, serializers: { error: pino.stdSerializers.err } },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  )
  return {
    aws,
    api,
    model,
    lines,
    async run(env = {}, options = {}) {
      const { PATH } = process.env
      const all: Record<string, string> = {
        PATH: PATH!,
        ...aws.env,
        VIDWIZ_ENDPOINT: api.url,
        GEMINI_API_KEY: MODEL_KEY,
        GEMINI_BASE_URL: model.url,
        TRANSCRIPT_FETCH_RETRY_DELAY: '0.05',
        ...env,
      }
      const runner = await startRunner({
        settings: readSettings(all),
        adminToken: ADMIN_TOKEN,
        folder: zipFolder(),
        log,
        metrics: openMetrics(),
        stopWithinMs: 10_000,
        env: all,
        ...options,
        times: { hiddenSeconds: 2, retrySeconds: () => 1, pauseMs: () => 50, ...options.times },
      })
      runners.push(runner)
      return runner
    },
    async stop() {
      await Promise.all(runners.map((runner) => runner.stop()))
      await Promise.all([aws.stop(), api.stop(), model.stop()])
    },
  }
}

/** A transcript with a row every ten seconds. */
export const rows = Array.from({ length: 60 }, (_, i) => ({ text: `sentence ${i}`, offset: i * 10, duration: 10 }))
export const NOTE = 'A line of text that is as long as a note has to be.'
export const SUMMARY = 'A summary says what a video is about. '.repeat(8).trim()
