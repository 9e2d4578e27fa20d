import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect } from 'chai'
import { findPython } from '#platform/python/find.ts'
import { type Client, newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { ALL_PARTS, type Stack, startStack } from '#test/kit/stack.ts'
import { pythonOrSkip } from '#test/kit/yt-dlp.ts'

const WORKERS = join(import.meta.dirname, 'original-workers', 'workers.py')
const OURS = ['transcript-helper', 'metadata-helper', 'lambda-runner']
const WITHIN = { withinMs: 60_000, everyMs: 50 }

describe('the original workers, in Python, in the place of ours', function () {
  this.timeout(90_000)
  let stack: Stack
  let user: Client
  let python: string
  let printed = ''
  const workers: ChildProcess[] = []

  const start = (args: string[]) => {
    const { url, adminToken } = stack
    const names = { API_URL: url, VIDWIZ_ENDPOINT: url, VIDWIZ_TOKEN: adminToken, SQS_QUEUE_URL: stack.env.SQS_AI_NOTE_QUEUE_URL }
    const child = spawn(python, [WORKERS, ...args], { env: { ...stack.env, ...names }, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (text) => (printed += text))
    return child
  }

  before(async function () {
    await pythonOrSkip(this)
    python = (await findPython()).found!.path
    stack = await startStack({}, { parts: ALL_PARTS.filter((part) => !OURS.includes(part)) })
    user = await newUser(stack.url)
    for (const worker of ['transcript', 'metadata', 'ai-note', 'ai-summary']) workers.push(start([worker]))
  })
  after(async () => {
    for (const worker of workers) worker.kill('SIGKILL')
    await stack?.stop()
  })

  const switchAi = (isOn: boolean) => user.surely('PATCH', '/v2/users/me', { ai_notes_enabled: isOn })
  const take = (videoId: string, note: object) =>
    user.surely('POST', `/v2/videos/${videoId}/notes`, { video_title: 'Never', ...note })
  const textsOf = async (videoId: string): Promise<(string | null)[]> =>
    (await user.surely('GET', `/v2/videos/${videoId}/notes`)).body.map(({ text }: { text: string | null }) => text)
  const videoOf = async (videoId: string) => (await user.surely('GET', `/v2/videos/${videoId}`)).body
  const isComplete = (videoId: string) =>
    eventually(async () => {
      const { metadata, transcript_available, summary } = await videoOf(videoId)
      expect({ title: metadata?.title, transcript_available }, printed).to.deep.equal({
        title: 'A title',
        transcript_available: true,
      })
      expect(summary, printed).to.match(/^sentence 0 sentence 1 /)
    }, WITHIN)

  it('fetch what a video needs, write its empty notes and its summary, and leave the words of people', async () => {
    const videoId = 'originals01'
    await switchAi(true)
    await take(videoId, { timestamp: '1:23' })
    await take(videoId, { timestamp: '0:01:31' })
    await take(videoId, { timestamp: '1:23', text: 'my own' })
    await isComplete(videoId)
    await eventually(
      async () => expect(await textsOf(videoId), printed).to.deep.equal(['sentence 8 of Never', 'sentence 9 of Never', 'my own']),
      WITHIN,
    )
    // As soon as the transcript is there, without a dispatcher.
    await take(videoId, { timestamp: '00:00' })
    await eventually(async () => expect((await textsOf(videoId)).at(-1), printed).to.equal('sentence 0 of Never'), WITHIN)
    expect(printed).to.equal('')
  })

  it('dispatch whole notes that nobody asked for, more than a batch holds', async () => {
    const videoId = 'originals02'
    await switchAi(false)
    for (let i = 0; i < 12; i++) await take(videoId, { timestamp: `01:${10 + i}` })
    await isComplete(videoId)
    await switchAi(true)
    expect(await textsOf(videoId)).to.deep.equal(Array(12).fill(null))
    // The last one is unknown: a 404 means none.
    const [code] = await once(start(['dispatch', videoId, 'originals03']), 'exit')
    expect(code, printed).to.equal(0)
    await eventually(async () => expect(await textsOf(videoId), printed).not.to.include(null), WITHIN)
    expect(new Set(await textsOf(videoId))).to.deep.equal(new Set(['sentence 7 of Never', 'sentence 8 of Never']))
    expect(printed).to.equal('')
  })
})
