import { expect } from 'chai'
import { Unable } from '#platform/log/reactor/caused-commands.ts'
import { OperatorError } from '#platform/operator-error.ts'
import type { Outgoing, Refusal, Sent } from '#platform/sqs/queues.ts'
import { IN_FLIGHT, type Message as OfQueue, openPost } from '#services/kit/post.ts'

const BUSY: Refusal = { code: 'InternalError', message: 'try again', isOurFault: false, isSetup: false }
const TOO_LARGE: Refusal = { code: 'InvalidParameterValue', message: 'too large', isOurFault: true, isSetup: false }
const NO_QUEUE: Refusal = { code: 'QueueDoesNotExist', message: 'no such queue', isOurFault: true, isSetup: true }

const ADDRESSES = {
  'ai-notes': { url: 'http://sqs/1/notes', setting: 'SQS_AI_NOTE_QUEUE_URL' },
  summaries: { url: 'http://sqs/1/summaries', setting: 'SQS_SUMMARY_QUEUE_URL' },
}
type Message = OfQueue<keyof typeof ADDRESSES>
const messages = (count: number, queue: Message['queue'] = 'ai-notes', from = 0): Message[] =>
  Array.from({ length: count }, (_, i) => ({ id: `${from + i}`, queue, body: `body ${from + i}` }))

/** Queues that answer as told. @param refuse why a message is refused the nth time it comes, counted from 1 */
function opened(refuse: (id: string, nth: number, url: string) => Refusal | undefined = () => undefined) {
  const requests: string[][] = []
  const times = new Map<string, number>()
  const sent = new Map<string, string>()
  const paused: number[] = []
  const refused: [string, number, string][] = []
  const ending = { stopped: false }
  let running = 0
  const most = { atOnce: 0 }
  const answer = (url: string, { id }: Outgoing): Sent => {
    const nth = (times.get(id) ?? 0) + 1
    times.set(id, nth)
    const refusal = refuse(id, nth, url)
    return refusal ? { id, refusal } : { id, messageId: `m-${id}` }
  }
  const post = openPost({
    addresses: ADDRESSES,
    queues: {
      async sendBatch(url, some) {
        requests.push(some.map(({ id }) => id))
        most.atOnce = Math.max(most.atOnce, ++running)
        await new Promise(setImmediate)
        running--
        return some.map((one) => answer(url, one))
      },
    },
    stopping: {
      stopped: () => ending.stopped,
      async pause(ms) {
        paused.push(ms)
      },
    },
    onRefused: (queue, count, { code }) => refused.push([queue, count, code]),
  })
  const send = (list: readonly Message[]) => post(list, (id, messageId) => sent.set(id, messageId))
  return { send, requests, times, sent, paused, refused, ending, most }
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => expect.fail('it did not fail'),
    (error) => error,
  )

describe('the post', () => {
  it('sends in batches of ten, so many at a time, and tells the id of each message', async () => {
    const { send, requests, sent, most } = opened()
    await send(messages(234))
    expect(requests.map((one) => one.length)).to.deep.equal([...Array(23).fill(10), 4])
    expect(most.atOnce).to.equal(IN_FLIGHT)
    expect([...sent]).to.deep.equal(messages(234).map(({ id }) => [id, `m-${id}`]))
  })

  it('shares those places among all who send', async () => {
    const { send, most } = opened()
    await Promise.all([send(messages(100)), send(messages(100, 'summaries', 100)), send(messages(100, 'ai-notes', 200))])
    expect(most.atOnce).to.equal(IN_FLIGHT)
  })

  it('sends only those again that were refused, after a growing pause', async () => {
    const { send, requests, times, sent, paused, refused } = opened((id, nth) => (/[37]$/.test(id) && nth < 4 ? BUSY : undefined))
    await send(messages(20))
    expect(requests).to.have.lengthOf(2 + 3)
    expect(requests.slice(2)).to.deep.equal(Array(3).fill(['3', '7', '13', '17']))
    for (const { id } of messages(20)) expect(times.get(id)).to.equal(/[37]$/.test(id) ? 4 : 1)
    expect(sent.size).to.equal(20)
    expect(refused).to.deep.equal(Array(3).fill(['ai-notes', 4, 'InternalError']))
    const bounds = [50, 100, 200]
    for (const [i, most] of bounds.entries()) expect(paused[i]).to.be.within(most / 2, most)
  })

  it('gives up after some tries, with what a person must know', async () => {
    const { send, times, sent } = opened((id) => (id === '3' ? BUSY : undefined))
    const error = await failure(send(messages(20)))
    expect(error).to.not.be.instanceOf(Unable)
    expect(error.message).to.match(
      /^the queue notes \(SQS_AI_NOTE_QUEUE_URL\) did not take 1 messages: InternalError: try again$/,
    )
    expect([times.get('3'), sent.size]).to.deep.equal([5, 19])
  })

  it('begins no other request when one has failed as a whole', async () => {
    const { send, requests } = opened(() => BUSY)
    await failure(send(messages(500)))
    expect(requests).to.have.lengthOf(5 * IN_FLIGHT)
  })

  it('tells at once what is refused for good, as the fault of the message', async () => {
    const { send, times, sent } = opened((id) => (id === '13' ? TOO_LARGE : undefined))
    expect(await failure(send(messages(20)))).to.be.instanceOf(Unable)
    expect([times.get('13'), sent.size]).to.deep.equal([1, 19])
  })

  it('blames no message for a queue that is not there, and asks nobody twice', async () => {
    const { send, requests } = opened(() => NO_QUEUE)
    const error = await failure(send(messages(10)))
    expect(error).to.be.instanceOf(OperatorError)
    expect(error.message).to.match(
      /^the queue notes \(SQS_AI_NOTE_QUEUE_URL\) did not take 10 .*make the queue .*Nothing is lost/,
    )
    expect(error.message).to.not.include('\n')
    expect(requests).to.have.lengthOf(1)
  })

  it('sends to one queue though the other is away', async () => {
    const { send, sent } = opened((_, __, url) => (url === ADDRESSES.summaries.url ? BUSY : undefined))
    const error = await failure(send([...messages(10), ...messages(10, 'summaries', 10)]))
    expect(error.message).to.include('SQS_SUMMARY_QUEUE_URL')
    expect([...sent.keys()]).to.deep.equal(messages(10).map(({ id }) => id))
  })

  it('begins nothing any more when it shall stop, and tells what it has sent', async () => {
    const { send, requests, sent, ending } = opened((id) => {
      if (id === '0') ending.stopped = true
      return undefined
    })
    const error = await failure(send(messages(500)))
    expect(error.message).to.match(/^stopped before \d+ messages were sent/)
    expect(requests).to.have.lengthOf(IN_FLIGHT)
    expect(sent.size).to.equal(IN_FLIGHT * 10)
  })

  it('tries nothing again when it shall stop', async () => {
    const { send, times, paused, ending } = opened((id) => {
      ending.stopped = true
      return id === '3' ? BUSY : undefined
    })
    await failure(send(messages(10)))
    expect([times.get('3'), paused.length]).to.deep.equal([1, 0])
  })
})
