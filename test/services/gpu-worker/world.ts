import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { pino } from 'pino'
import { requestStudy } from '#events/media.ts'
import { readSettings } from '#platform/config/settings.ts'
import { ensureBucket } from '#platform/objects/ensure.ts'
import { type ObjectStore, openObjects } from '#platform/objects/open.ts'
import { deadLetterNameOf, ensureQueues } from '#platform/sqs/ensure.ts'
import { openQueues } from '#platform/sqs/open.ts'
import type { Queues, Received } from '#platform/sqs/queues.ts'
import { openMetrics } from '#platform/telemetry/metrics.ts'
import { openSound } from '#services/gpu-worker/sound/open.ts'
import { hashOf } from '#services/gpu-worker/stored.ts'
import { startWorker } from '#services/gpu-worker/worker.ts'
import type { WorkerParts } from '#services/gpu-worker/worker-parts.ts'
import { eventually } from '#test/kit/eventually.ts'
import { startFauxqs } from '#test/kit/fauxqs.ts'
import { type Gate, startGate } from '#test/kit/gate.ts'
import { say } from '#test/kit/speech.ts'
import { testListener } from '#test/kit/whisper.ts'
import { type PageVideo, startYoutubePages, type YoutubePages } from '#test/kit/youtube-pages.ts'
import { testYtDlp } from '#test/kit/yt-dlp.ts'
import { ADMIN_TOKEN, type InProcess, startInProcess } from '../api/routes/in-process.ts'
import { asking, type Person, someone } from '../api/routes/kit.ts'
import { type Scripted, scriptedPorts, startScripted } from './scripted.ts'

export const WITHIN = { withinMs: 40_000, everyMs: 20 }
export const MAX_RECEIVES = 2

/** A queue, a store, a site with videos, and the API, each behind a gate; what hears and teaches is scripted. */
export interface World {
  api: InProcess
  pages: YoutubePages
  scripted: Scripted
  gates: { sqs: Gate; s3: Gate; api: Gate }
  objects: ObjectStore
  queues: Queues
  queueUrl: string
  deadUrl: string
  /** A few seconds of speech, as a site has it. */
  speech: string
  /** The program. */
  ytDlp: string
  /** For workers. */
  env: Record<string, string>
  /** Where they have their files. */
  data: string
  /** A video that somebody wants to learn from, with its message. */
  wanted(options?: Wanted): Promise<{ videoId: string; jobId: number }>
  /** A video that somebody has a note on. */
  noted(): Promise<string>
  /** Of a video. */
  numberOf(videoId: string): Promise<number>
  send(body: string): Promise<void>
  /** A worker in this process. */
  worker(parts?: Partial<WorkerParts> & { env?: Record<string, string> }): Worker
  /** One in a process of its own. */
  workerProcess(env?: Record<string, string>): WorkerProcess
  status(videoId: string): Promise<string>
  /** Of a job, in order. */
  events(videoId: string): Promise<{ type: string; data: Record<string, unknown> }[]>
  /** Puts of objects that the store took, by key. */
  puts(videoId: string): string[]
  /** Waits until the queue holds nothing, not even hidden. */
  isEmpty(): Promise<void>
  dead(): Promise<Received[]>
  /** Files that were left behind. */
  left(): string[]
  stop(): Promise<void>
}

export interface Wanted {
  /** Where the site has it; then nobody has downloaded it before. */
  page?: PageVideo
  /** More of its message. */
  message?: object
  /** Which it has already. */
  transcript?: readonly object[]
}

export interface Worker {
  lines: string[]
  metrics: WorkerParts['metrics']
  stop(): Promise<void>
}

export interface WorkerProcess {
  child: ChildProcess
  output: string[]
  ended: Promise<number | null>
}

let videos = 0

export async function startWorld(test: Mocha.Context): Promise<World> {
  const [ytDlp, { ffmpeg }] = [await testYtDlp(test), await testListener(test)]
  const speech = await say('hello there, this is what is said', { format: 'webm' })
  // As a worker leaves it.
  const mp3 = await say('hello there, this is what is said', { format: 'mp3' })
  const mp3Metadata = { sha256: hashOf(readFileSync(mp3)), bytes: String(statSync(mp3).size), seconds: '3' }
  const fauxqs = await startFauxqs()
  await ensureBucket('things', fauxqs.access)
  const [sqs, s3] = [await startGate(fauxqs.url), await startGate(fauxqs.url)]
  const direct = readSettings({
    ...fauxqs.env,
    S3_BUCKET_NAME: 'things',
    AWS_ENDPOINT_URL: fauxqs.url,
  })
  const objects = await openObjects(direct)
  const queues = await openQueues(direct)
  const plan = { name: 'media', visibilitySeconds: 30, maxReceiveCount: MAX_RECEIVES }
  const all = await ensureQueues(queues, [plan])
  const urlOf = (name: string) => all.find((one) => one.name === name)!.url
  const [queueUrl, deadUrl] = [urlOf('media'), urlOf(deadLetterNameOf('media'))]
  // Unlike SQS, this server hands messages to who has hung up.
  sqs.unheard = ({ headers }, answer) => {
    if (!String(headers['x-amz-target']).endsWith('.ReceiveMessage')) return
    const { Messages = [] } = JSON.parse(String(answer)) as { Messages?: { ReceiptHandle: string }[] }
    return queues.extend(
      queueUrl,
      Messages.map(({ ReceiptHandle }) => ReceiptHandle),
      0,
    )
  }
  const api = await startInProcess({ objects })
  const apiGate = await startGate(api.url)
  const pages = await startYoutubePages()
  const scripted = await startScripted()
  const data = mkdtempSync(join(tmpdir(), 'vidwiz-media-'))
  // As if it had been installed there: a worker need not run it to know its version.
  mkdirSync(join(data, 'yt-dlp'))
  symlinkSync(dirname(ytDlp.path), join(data, 'yt-dlp', basename(dirname(ytDlp.path))))
  const bob: Person = await someone(api.url)
  const ask = asking(api.url, { token: ADMIN_TOKEN })
  const env = {
    ...fauxqs.env,
    ...pages.env,
    ADMIN_TOKEN,
    S3_BUCKET_NAME: 'things',
    S3_ENDPOINT: s3.url,
    SQS_ENDPOINT: sqs.url,
    SQS_QUEUE_URL: queueUrl,
    API_URL: apiGate.url,
    VIDWIZ_DATA: data,
    FFMPEG_PATH: ffmpeg,
    MEDIA_VISIBILITY_SECONDS: '2',
  }
  // yt-dlp of a worker in this process reads its plugins from there.
  process.env.XDG_CONFIG_HOME = pages.env.XDG_CONFIG_HOME
  const stops: (() => Promise<unknown>)[] = []
  const work = join(data, 'gpu-worker', 'work')

  const world: World = {
    api,
    pages,
    scripted,
    gates: { sqs, s3, api: apiGate },
    objects,
    queues,
    queueUrl,
    deadUrl,
    speech,
    ytDlp: ytDlp.path,
    env,
    data,
    async noted() {
      const videoId = `media${String(++videos).padStart(6, '0')}`
      pages.videos[videoId] = { sound: { file: speech }, metadata: { duration: 3 } }
      await bob.ask('POST', `/v2/videos/${videoId}/notes`, { json: { timestamp: '0:01', text: 'a note' } })
      return videoId
    },
    async wanted({ page, message, transcript } = {}) {
      const videoId = await world.noted()
      Object.assign(pages.videos[videoId]!, page)
      if (transcript) {
        const path = `/v2/internal/videos/${videoId}/transcript`
        expect((await ask('POST', path, { json: { transcript } })).status).to.equal(200)
      }
      if (!page && !transcript) await objects.putFile(`audio/${videoId}.mp3`, mp3, 'audio/mpeg', { metadata: mp3Metadata })
      const request = requestStudy({ videoId, userId: bob.id, quota: 1_000_000 })
      const { result } = await api.execute(request, { actor: `user-${bob.id}`, correlationId: `study-${videoId}` })
      const { jobId } = result as { jobId: number }
      const url = `${pages.env.YOUTUBE_WATCH_URL}${videoId}`
      const body = { video_id: videoId, url, user_id: bob.email, job_id: jobId, youtube_id: videoId, attempt: 1, ...message }
      await world.send(JSON.stringify(body))
      return { videoId, jobId }
    },
    async numberOf(videoId) {
      const sql = 'select id from views.videos where video_id = $1'
      return Number((await api.db.query<{ id: string }>('t.number', sql, [videoId]))[0]!.id)
    },
    async send(body) {
      const [sent] = await queues.sendBatch(queueUrl, [{ id: '1', body }])
      expect(sent!.refusal).to.equal(undefined)
    },
    worker({ env: more, ...parts } = {}) {
      const settings = readSettings({ ...env, ...more })
      const lines: string[] = []
      const log = pino({}, new Writable({ write: (line, _, done) => done(void lines.push(String(line))) }))
      const metrics = openMetrics()
      const opened = Promise.all([openQueues(settings), openObjects(settings)])
      const running = opened.then(([queues, objects]) =>
        startWorker({
          settings,
          log,
          metrics,
          queues,
          objects,
          sound: openSound(settings),
          ...scriptedPorts(scripted.url),
          ...parts,
          times: { patienceMs: 20_000, progressMs: 50, againSeconds: () => 1, restMs: () => 100, ...parts.times },
        }),
      )
      const stop = async () => (await running).stop()
      stops.push(stop)
      return { lines, metrics, stop }
    },
    workerProcess(more = {}) {
      const script = fileURLToPath(new URL('process.ts', import.meta.url))
      const { PATH, HOME } = process.env
      const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script], {
        env: { PATH, HOME, ...env, SCRIPTED_URL: scripted.url, ...more },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const output: string[] = []
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => output.push(String(text)))
      const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
      stops.push(async () => child.kill('SIGKILL'))
      return { child, output, ended }
    },
    async status(videoId) {
      const events = (await world.events(videoId)).map(({ type }) => type)
      return events.at(-1) ?? 'none'
    },
    async events(videoId) {
      const sql = 'select type, data from log.events where stream = $1 order by version'
      const rows = await api.db.query<{ type: string; data: string }>('t.events', sql, [`media-${videoId}`])
      return rows.map(({ type, data }) => ({ type, data: JSON.parse(data) }))
    },
    puts: (videoId) =>
      s3.seen
        .filter(({ method, url }) => method === 'PUT' && url.includes(videoId))
        .map(({ url }) =>
          url
            .replace(/^\/things\//, '')
            .replace(/\?.*$/, '')
            .replaceAll(videoId, 'ID'),
        ),
    isEmpty: () =>
      eventually(async () => {
        const { visible, inFlight, delayed } = await queues.attributes(queueUrl)
        expect({ visible, inFlight, delayed }).to.deep.equal({ visible: 0, inFlight: 0, delayed: 0 })
      }, WITHIN),
    async dead() {
      const received = await queues.receive(deadUrl)
      await queues.delete(
        deadUrl,
        received.map(({ receipt }) => receipt),
      )
      return received
    },
    left: () => (existsSync(work) ? readdirSync(work) : []),
    async stop() {
      await Promise.all(stops.map((stop) => stop()))
      await Promise.all([sqs.close(), s3.close(), apiGate.close(), pages.close(), scripted.close()])
      await api.stop()
      queues.close()
      objects.close()
      await fauxqs.stop()
      rmSync(data, { recursive: true, force: true })
    },
  }
  return world
}
