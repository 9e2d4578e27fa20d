import { expect } from 'chai'
import { type CallCounter, countCalls } from '#test/kit/calls.ts'
import { type Client, newUser } from '#test/kit/client.ts'
import { freePort } from '#test/kit/free-port.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'
import { newVideo } from './routes/kit.ts'

const MOST_FILES = 39
interface Asked {
  video?: string
  title?: string
  headers?: Record<string, string>
}

/** What happens to run beside one request does not run beside each of so many. */
const REQUESTS = 20

describe('the way of a note through the API, from the socket to the answer', function () {
  this.timeout(120_000)
  let stack: Stack
  let calls: CallCounter
  let user: Client
  before(async () => {
    const inspector = await freePort()
    // With rate limits, as in production.
    stack = await startStack({ NODE_OPTIONS: `--inspect-port=127.0.0.1:${inspector}`, RATE_LIMIT_DISABLED: '' })
    user = await newUser(stack.url)
    await stack.signal('api', 'SIGUSR1')
    calls = await countCalls(inspector)
  })
  after(async () => {
    calls?.close()
    await stack?.stop()
  })

  let notes = 0
  const take = async ({ video = 'dQw4w9WgXcQ', title, headers }: Asked) => {
    const note = { timestamp: '0:43', text: `note ${++notes}`, video_title: title }
    const answer = await user.call('POST', `/v2/videos/${video}/notes`, note, headers)
    expect(answer.status, JSON.stringify(answer.body)).to.equal(201)
  }

  /** Files of ours with a function that each of several such requests calls. */
  async function crossed(asked: () => Asked = () => ({})): Promise<string[]> {
    await take(asked())
    const seen: Set<string>[] = []
    for (let n = 0; n < REQUESTS; n++) {
      await calls.take()
      await take(asked())
      seen.push(new Set((await calls.take()).keys()))
    }
    return [...seen[0]!].filter((file) => seen.every((files) => files.has(file))).sort()
  }

  it(`crosses at most ${MOST_FILES} files`, async () => {
    const files = await crossed()
    expect(files).to.include.members(['platform/http/edge.ts', 'events/note.ts', 'platform/log/postgres/appender.ts'])
    expect(files.length, files.join('\n')).to.be.at.most(MOST_FILES)
  })

  describe('crosses more only', () => {
    let plain: string[]
    before(async () => {
      plain = await crossed()
    })
    const more = async (asked: () => Asked) => (await crossed(asked)).filter((file) => !plain.includes(file))

    it('to load the state of a video that the process does not remember', async () => {
      expect(await more(() => ({ video: newVideo() }))).to.deep.equal(['platform/log/postgres/load.ts'])
    })

    it('to compare a title with what clients send for none', async () => {
      expect(await more(() => ({ title: 'A title' }))).to.deep.equal(['events/kit/normal-form.ts'])
    })

    it('to look an Idempotency-Key up, and to keep the result under it', async () => {
      expect(await more(() => ({ headers: { 'idempotency-key': crypto.randomUUID() } }))).to.deep.equal([
        'platform/log/commands/stored-results.ts',
        'platform/log/postgres/load.ts',
      ])
    })

    it('to let a page of another origin read the answer', async () => {
      expect(await more(() => ({ headers: { origin: 'https://vidwiz.example' } }))).to.deep.equal(['platform/http/cors.ts'])
    })
  })
})
