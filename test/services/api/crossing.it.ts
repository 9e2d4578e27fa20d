import { expect } from 'chai'
import { type CallCounter, countCalls } from '#test/kit/calls.ts'
import { type Client, newUser } from '#test/kit/client.ts'
import { freePort } from '#test/kit/free-port.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'

const MOST_FILES = 39
/** What happens to run beside one request does not run beside each of so many. */
const REQUESTS = 6

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
  const take = async (headers: Record<string, string>, more: object) => {
    const note = { timestamp: '0:43', text: `note ${++notes}`, ...more }
    const answer = await user.call('POST', '/v2/videos/dQw4w9WgXcQ/notes', note, headers)
    expect(answer.status, JSON.stringify(answer.body)).to.equal(201)
  }

  /** Files of ours with a function that each of several such requests calls. */
  async function crossed(headersOf: () => Record<string, string> = () => ({}), more: object = {}): Promise<string[]> {
    await take(headersOf(), more)
    const seen: Set<string>[] = []
    for (let n = 0; n < REQUESTS; n++) {
      await calls.take()
      await take(headersOf(), more)
      seen.push(new Set((await calls.take()).keys()))
    }
    return [...seen[0]!].filter((file) => seen.every((files) => files.has(file))).sort()
  }

  it(`crosses at most ${MOST_FILES} files`, async () => {
    const files = await crossed()
    expect(files).to.include.members(['platform/http/edge.ts', 'events/note.ts', 'platform/log/postgres/appender.ts'])
    expect(files.length, files.join('\n')).to.be.at.most(MOST_FILES)
  })

  it('crosses four more for a page of another origin that sends a title and an Idempotency-Key', async () => {
    const plain = await crossed()
    const page = () => ({ origin: 'https://vidwiz.example', 'idempotency-key': crypto.randomUUID() })
    expect((await crossed(page, { video_title: 'A title' })).filter((file) => !plain.includes(file))).to.deep.equal([
      'events/kit/normal-form.ts',
      'platform/http/cors.ts',
      'platform/log/commands/stored-results.ts',
      'platform/log/postgres/load.ts',
    ])
  })
})
