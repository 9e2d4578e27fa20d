import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { readSettings } from '#platform/config/settings.ts'
import { ensureBucket } from '#platform/objects/ensure.ts'
import { s3Objects } from '#platform/objects/s3.ts'
import { deadLetterNameOf, ensureQueues, usualPlan } from '#platform/sqs/ensure.ts'
import { nameOf } from '#platform/sqs/queues.ts'
import { sqsQueues } from '#platform/sqs/sqs.ts'
import { openMetrics } from '#platform/telemetry/metrics.ts'
import { type Runner, type RunnerOptions, startRunner } from '#services/lambdas/runner/runner.ts'
import { startFauxqs } from '#test/kit/fauxqs.ts'
import { type ModelServer, startModelServer } from '#test/kit/model-server.ts'

export const ADMIN_TOKEN = 'an admin token that only tests use'
export const MODEL_KEY = 'a model key that only tests use'
const BUCKET = 'vidwiz'

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
  const { url, access, env, stop } = await startFauxqs()
  const sqs = sqsQueues(access)
  const objects = s3Objects({ bucket: BUCKET, ...access })
  await ensureBucket(BUCKET, access)
  const names = ['vidwiz-ai-notes', 'vidwiz-summaries', 'dispatch']
  const made = await ensureQueues(
    sqs,
    names.map((name) => ({ ...usualPlan(name), maxReceiveCount: maxReceives })),
  )
  const [notes, summaries, dispatch] = names.map((name) => made.find((one) => one.name === name)!.url) as [string, string, string]
  return {
    url,
    queues: { notes, summaries, dispatch },
    dead: (queueUrl) => queueUrl.replace(/[^/]*$/, deadLetterNameOf(nameOf(queueUrl))),
    put: (videoId, rows) =>
      objects.put(`transcripts/${videoId}.json`, typeof rows === 'string' ? rows : JSON.stringify(rows), 'application/json'),
    async send(queueUrl, body) {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      const [sent] = await sqs.sendBatch(queueUrl, [{ id: 'the only one', body: text }])
      if (sent!.refusal) throw new Error(sent!.refusal.message)
    },
    take: async (queueUrl) => (await sqs.receive(queueUrl, { visibilitySeconds: 600 })).map(({ body }) => body),
    async count(queueUrl) {
      const { visible, inFlight: hidden } = await sqs.attributes(queueUrl)
      return { visible, hidden }
    },
    env: {
      SQS_ENDPOINT: url,
      S3_ENDPOINT: url,
      S3_BUCKET_NAME: BUCKET,
      ...env,
      SQS_AI_NOTE_QUEUE_URL: notes,
      SQS_SUMMARY_QUEUE_URL: summaries,
    },
    async stop() {
      objects.close()
      sqs.close()
      await stop()
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
