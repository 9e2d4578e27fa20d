import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { processesCalledWith } from '#platform/processes.ts'
import { readBreaker } from '#platform/ytdlp/breaker.ts'
import { newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freePort } from '#test/kit/free-port.ts'
import { vidwiz } from '#test/kit/run.ts'
import { PARTS, type Stack, startStack } from '#test/kit/stack.ts'
import { type PageVideo, startYoutubePages, type YoutubePages } from '#test/kit/youtube-pages.ts'
import { testYtDlp } from '#test/kit/yt-dlp.ts'

const captions = [{ language: 'en', format: 'json3', said: [['hello there', 0.5, 2]] }] as const
const KINDS = ['transcript-helper', 'metadata-helper']
const WITHIN = { withinMs: 40_000, everyMs: 50 }

describe('helpers beside the running system', function () {
  this.timeout(120_000)
  let pages: YoutubePages
  let stack: Stack
  let person: Awaited<ReturnType<typeof newUser>>
  let ytDlp: { path: string }
  before(async function () {
    ytDlp = await testYtDlp(this)
    pages = await startYoutubePages()
    const env = { ...pages.env, YTDLP_PATH: ytDlp.path, LOG_LEVEL: 'info', HELPER_POLL_SECONDS: '5' }
    stack = await startStack(env, { parts: [...PARTS, ...KINDS, ...KINDS.map((name) => `${name}#2`)] })
    person = await newUser(stack.url)
  })
  after(async () => {
    await stack?.stop()
    await pages?.close()
  })

  let videos = 0
  const videoOf = (video: PageVideo): string => {
    const id = `helps${String(++videos).padStart(6, '0')}`
    pages.videos[id] = video
    return id
  }
  const note = async (id: string) =>
    expect((await person.call('POST', `/v2/videos/${id}/notes`, { timestamp: '0:01', text: 'x' })).status).to.equal(201)
  const read = async (id: string) => (await person.call('GET', `/v2/videos/${id}`)).body
  const lines = (text: string) => stack.output.filter((line) => line.includes(text))
  const attempts = async (id: string) => {
    const { stdout } = await vidwiz(['tail', '--from', '0', '--no-follow', '--json', '--topic', 'tasks'], stack.env).finished
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    return events.filter(({ stream }) => stream === `task-transcript-${id}`).map(({ type }) => type)
  }
  const run = async (...args: string[]) => (await vidwiz(['helpers', ...args], stack.env).finished).stdout

  it('a note on a new video gets its transcript and its metadata, each from one visit, also with two helpers of a kind', async () => {
    const ids = Array.from({ length: 6 }, () => videoOf({ captions, metadata: { title: 'A title', duration: 7 } }))
    await Promise.all(ids.map(note))
    for (const id of ids) {
      const video = await eventually(async () => {
        const video = await read(id)
        expect([video.transcript_available, video.metadata !== null]).to.deep.equal([true, true])
        return video
      }, WITHIN)
      expect(video.metadata).to.include({ id, title: 'A title', duration: 7, like_count: null })
      const file = join(stack.dataFolder, 'objects', 'transcripts', `${id}.json`)
      expect(JSON.parse(readFileSync(file, 'utf8'))).to.deep.equal([{ text: 'hello there', offset: 0.5, duration: 2 }])
      expect([pages.hits(id), pages.hits(id, 'captions')], 'one for each kind').to.deep.equal([2, 1])
    }
    expect(lines('transcript found')[0]).to.match(/"rows":1,"language":"en"/)
  })

  it('a video that is gone is visited once by each kind, also after further notes', async () => {
    const id = videoOf({ failure: 'private' })
    await note(id)
    await eventually(() => expect(lines(id).filter((line) => line.includes('"outcome":"never"'))).to.have.length(2), WITHIN)
    for (let n = 0; n < 3; n++) await note(id)
    const failed = ['TaskScheduled', 'TaskClaimed', 'TaskAttemptFailed']
    await eventually(async () => expect(await attempts(id)).to.deep.equal([...failed, 'TaskScheduled']), WITHIN)
    // Whoever might have taken it has taken this one.
    const later = videoOf({ captions })
    await note(later)
    await eventually(async () => expect((await read(later)).transcript_available).to.equal(true), WITHIN)
    await eventually(async () => expect((await read(later)).metadata).not.to.equal(null), WITHIN)
    expect(pages.hits(id)).to.equal(2)
  })

  it('a task in hand at SIGTERM is given back, yt-dlp ends with its helper, and another one does it', async () => {
    const id = videoOf({ failure: 'hangs' })
    await note(id)
    // The page is asked for by both kinds.
    await eventually(() => expect(pages.hits(id)).to.equal(2), WITHIN)
    pages.videos[id] = { captions }
    const has = await eventually(() => {
      const parts = stack.parts.pids()
      const helper = Object.keys(parts).find((name) => name.startsWith('transcript') && childrenOf(parts[name]!).length > 0)
      return helper ?? expect.fail('no transcript helper runs yt-dlp')
    }, WITHIN)
    await stack.signal(has, 'SIGTERM')
    await eventually(async () => expect((await read(id)).transcript_available).to.equal(true), WITHIN)
    expect(lines(id).join()).to.contain('the helper was stopped; another one may try')
    expect((await attempts(id)).filter((type) => type !== 'TaskReleased')).to.deep.equal([
      'TaskScheduled',
      'TaskClaimed',
      'TaskAttemptFailed',
      'TaskClaimed',
      'TaskCompleted',
    ])
    const metadata = Object.keys(stack.parts.pids()).find((name) => childrenOf(stack.parts.pids()[name]!).length > 0)
    if (metadata) await stack.signal(metadata, 'SIGTERM')
    await eventually(() => expect(processesCalledWith(id)).to.deep.equal([]), WITHIN)
  })

  it('a refusal by YouTube stops all helpers, is shown, and ends when a person says so, or by one task that is tried', async () => {
    expect(await run()).to.contain('the breaker is closed')
    const refused = videoOf({ failure: 'bot-check' })
    await note(refused)
    await eventually(() => expect(readBreaker(stack.dataFolder).state).to.equal('open'), WITHIN)
    // The other kind may have asked at the same moment; from now on nobody does.
    await eventually(() => expect(lines(refused).length).to.be.greaterThan(0), WITHIN)
    const waits = () => lines('YouTube refuses: waiting').length
    await eventually(() => expect(waits()).to.be.at.least(4), WITHIN)
    const hits = pages.hits(refused)
    const waiting = videoOf({ captions })
    await note(waiting)
    const shown = await run()
    expect(shown).to.contain('The breaker is open until 20').and.to.contain('not a bot').and.to.contain('helpers resume')
    expect(JSON.parse(await run('--json')).breaker).to.include({ state: 'open', times: 1 })
    expect([pages.hits(refused), pages.hits(waiting)]).to.deep.equal([hits, 0])

    // Its time has passed: one tries.
    const file = join(stack.dataFolder, 'yt-dlp', 'breaker.json')
    pages.videos[refused] = { captions }
    const kept = JSON.parse(readFileSync(file, 'utf8'))
    writeFileSync(file, JSON.stringify({ ...kept, open: { ...kept.open, until: Date.now() } }))
    await eventually(() => expect(readBreaker(stack.dataFolder).state).to.equal('closed'), WITHIN)
    for (const id of [waiting, refused])
      await eventually(async () => expect((await read(id)).transcript_available).to.equal(true), WITHIN)

    const again = videoOf({ failure: 429 })
    await note(again)
    await eventually(() => expect(readBreaker(stack.dataFolder).state).to.equal('open'), WITHIN)
    pages.videos[again] = { captions }
    expect(await run('resume')).to.equal('helpers ask YouTube again\n')
    await eventually(async () => expect((await read(again)).transcript_available).to.equal(true), WITHIN)
    expect(await run('resume')).to.equal('the breaker was closed: helpers ask YouTube anyway\n')
  })
})

/** Those of a process, by what they are called with: the helper's yt-dlp leads a group of its own. */
const childrenOf = (pid: number): number[] =>
  processesCalledWith('main.py').filter((child) => {
    const [, parent] = readFileSync(`/proc/${child}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
    return Number(parent) === pid
  })

describe('a helper', function () {
  this.timeout(60_000)
  const asked: { request: IncomingMessage; body: string }[] = []
  let answer: (request: IncomingMessage) => [status: number, body?: object] = () => [204]
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    asked.push({ request, body })
    const [status, json] = answer(request)
    response.writeHead(status, { 'content-type': 'application/json' }).end(json ? JSON.stringify(json) : undefined)
  }).listen(0, '127.0.0.1')
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  after(() => {
    server.closeAllConnections()
    server.close()
    rmSync(data, { recursive: true })
  })
  beforeEach(() => void asked.splice(0))
  const data = mkdtempSync(join(tmpdir(), 'vidwiz-helper-'))
  const env = (more: NodeJS.ProcessEnv = {}) => ({
    VIDWIZ_DATA: data,
    ADMIN_TOKEN: 'an admin token that only tests use',
    ...more,
  })

  it('says in one line that it has no token, and ends with 1; the secrets of this machine are not for others', async () => {
    for (const args of [[], ['--api-url', 'http://elsewhere.example']]) {
      const { code, stderr } = await vidwiz(['run', 'transcript-helper', ...args], env({ ADMIN_TOKEN: '' })).finished
      expect([code, stderr]).to.deep.equal([1, 'vidwiz: ADMIN_TOKEN is not set: it must be the one that the API has\n'])
    }
  })

  it('asks as the contract says, and answers the original API, which knows no more than that', async function () {
    const { path } = await testYtDlp(this)
    const pages = await startYoutubePages({ videos: { dQw4w9WgXcQ: { captions }, aaaaaaaaaaa: { failure: 'private' } } })
    const tasks = ['dQw4w9WgXcQ', 'aaaaaaaaaaa', '../../etc/x']
    const given = tasks.map((video_id, i) => ({
      task_id: i + 1,
      task_type: 'fetch_transcript',
      task_details: { video_id },
      retry_count: 1,
      message: 'Task retrieved successfully',
    }))
    answer = ({ method }) => {
      if (method === 'POST') return [200, { message: 'Task result submitted successfully', task_id: 1, status: 'completed' }]
      const task = given.shift()
      return task ? [200, task] : [204]
    }
    const helper = vidwiz(
      ['run', 'transcript-helper', '--timeout', '7', '--api-url', `${url()}/`],
      env({ ...pages.env, YTDLP_PATH: path }),
    )
    const results = await eventually(() => {
      const posted = asked.filter(({ request }) => request.method === 'POST')
      expect(posted, helper.stdout() + helper.stderr()).to.have.length(3)
      return posted
    }, WITHIN)
    helper.process.kill('SIGTERM')
    expect((await helper.finished).code).to.equal(0)
    await pages.close()
    for (const { request } of asked) expect(request.headers.authorization).to.equal('Bearer an admin token that only tests use')
    expect(asked[0]!.request.url).to.equal('/v2/internal/tasks?type=transcript&timeout=7')
    expect(results.map(({ request, body }) => [request.url, JSON.parse(body)])).to.deep.equal([
      [
        '/v2/internal/tasks/1/result',
        { video_id: 'dQw4w9WgXcQ', success: true, transcript: [{ text: 'hello there', offset: 0.5, duration: 2 }] },
      ],
      [
        '/v2/internal/tasks/2/result',
        {
          video_id: 'aaaaaaaaaaa',
          success: false,
          error_message: "[youtube:pages] aaaaaaaaaaa: Private video. Sign in if you've been granted access to this video",
          permanent: true,
        },
      ],
      [
        '/v2/internal/tasks/3/result',
        { video_id: '../../etc/x', success: false, error_message: 'this is not the id of a video on YouTube', permanent: true },
      ],
    ])
  })

  it('says once that the API refuses it, asks ever less often, and goes on when it answers again', async function () {
    const { path } = await testYtDlp(this)
    answer = () => [401, { error: { code: 'UNAUTHORIZED', message: 'Invalid token', details: null } }]
    const helper = vidwiz(['run', 'metadata-helper', '--api-url', url()], env({ YTDLP_PATH: path }))
    await eventually(() => expect(asked.length).to.be.at.least(3), WITHIN)
    answer = () => [204]
    await helper.prints(/the API answers again/)
    helper.process.kill('SIGTERM')
    expect((await helper.finished).code).to.equal(0)
    expect(helper.stdout().match(/answered 401 \(Invalid token\)/g)).to.have.length(1)
    // A second and then two, less half of each by chance.
    expect(asked.filter(({ request }) => request.method === 'GET').length).to.be.greaterThan(2)
  })

  it('idles without Python, says so once and in its health, and is stopped at once', async () => {
    const port = await freePort()
    const helper = vidwiz(['run', 'metadata-helper', '--api-url', url()], env({ PATH: '/nowhere', METRICS_PORT: String(port) }))
    await helper.prints(/no metadata are fetched: no Python 3\.11 or later.*install python3/)
    const health = await fetch(`http://127.0.0.1:${port}/health`)
    expect([health.status, await health.json()]).to.deep.equal([503, { status: 'unavailable' }])
    const figures = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    expect(figures)
      .to.contain('vidwiz_helper_ready{kind="metadata"} 0')
      .and.to.contain('vidwiz_youtube_breaker_open{kind="metadata"} 0')
    helper.process.kill('SIGTERM')
    expect((await helper.finished).code).to.equal(0)
    expect(asked).to.deep.equal([])
  })
})
