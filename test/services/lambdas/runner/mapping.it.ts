import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { pino } from 'pino'
import { readSettings } from '#platform/config/settings.ts'
import { openQueues, type Queues } from '#platform/sqs/open.ts'
import { type FunctionProcess, functionProcess } from '#services/lambdas/runner/function-process.ts'
import { type Mapping, type MappingOptions, startMapping } from '#services/lambdas/runner/mapping.ts'
import { eventually } from '#test/kit/eventually.ts'
import { type Aws, startAws } from '../world.ts'

/**
 * A function that does what each message says, once for every time it is asked to: the file of a message tells how often it was
 * received and lets it wait.
 */
const HANDLER = `
import { appendFileSync, existsSync } from 'node:fs'
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
export const handler = async (event, context) => {
  const failures = []
  for (const { messageId, body, attributes } of event.Records) {
    const { does, file } = JSON.parse(body)
    appendFileSync(file, attributes.ApproximateReceiveCount + '/' + event.Records.length + ' ')
    const isFirst = attributes.ApproximateReceiveCount === '1'
    if (does === 'fail' || (does === 'fail once' && isFirst)) failures.push({ itemIdentifier: messageId })
    if (does === 'misname' && isFirst) failures.push({ itemIdentifier: 'somebody else' })
    if (does === 'throw' && isFirst) throw new Error('on purpose')
    if (does === 'die' && isFirst) process.exit(3)
    if (does === 'hang' && isFirst) await wait(60_000)
    if (does === 'wait') while (!existsSync(file + '.go')) await wait(5)
    if (does === 'tell') console.log(JSON.stringify({ level: 'info', message: 'hello', environment: Object.keys(process.env), remaining: context.getRemainingTimeInMillis() }))
    if (does === 'tell') console.error('trouble %d', 7)
  }
  return { batchItemFailures: failures }
}
`

describe('a function fed from a queue', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vidwiz-mapping-'))
  const handler = join(folder, 'handler.mjs')
  let aws: Aws
  let queues: Queues
  let lines: { level: string; msg: string; [more: string]: unknown }[]
  let running: { process: FunctionProcess; mapping: Mapping } | undefined
  let files = 0

  before(async () => {
    writeFileSync(handler, HANDLER)
  })
  after(() => rmSync(folder, { recursive: true }))
  beforeEach(async () => {
    await startQueues()
    lines = []
  })
  afterEach(async () => {
    await running?.mapping.stop(0)
    running?.process.kill()
    running = undefined
    await stopQueues()
  })
  async function startQueues() {
    aws = await startAws()
    queues = await openQueues(readSettings(aws.env))
  }
  async function stopQueues() {
    queues.close()
    await aws.stop()
  }

  function run(options: Partial<MappingOptions> = {}, { idleMs = 60_000, timeoutSeconds = 30, code = handler } = {}) {
    const log = pino(
      { base: {}, formatters: { level: (level) => ({ level }) } },
      { write: (line: string) => void lines.push(JSON.parse(line)) },
    )
    const { PATH } = process.env
    const child = functionProcess({
      spec: { name: 'ai-note', memoryMb: 256, timeoutSeconds },
      handler: code,
      env: { PATH, OF_THE_FUNCTION: '1' },
      idleMs,
      log,
    })
    const mapping = startMapping({
      name: 'ai-note',
      queues,
      queueUrl: aws.queues.notes,
      region: aws.env.AWS_REGION!,
      batchSize: 10,
      invoke: child.invoke,
      giveUp: child.kill,
      log,
      ...options,
      times: { hiddenSeconds: 2, retrySeconds: () => 1, pauseMs: () => 20, ...options.times },
    })
    running = { process: child, mapping }
    return running
  }

  /** Sends a message; returns what became of it so far: `receive/size of the batch`. */
  async function send(does: string) {
    const file = join(folder, `message-${++files}`)
    writeFileSync(file, '')
    await aws.send(aws.queues.notes, { does, file })
    const { readFileSync } = await import('node:fs')
    return {
      file,
      history: () => readFileSync(file, 'utf8').trim().split(' ').filter(Boolean),
      receives: () =>
        readFileSync(file, 'utf8')
          .trim()
          .split(' ')
          .filter(Boolean)
          .map((one) => one.split('/')[0]),
      go: () => writeFileSync(`${file}.go`, ''),
    }
  }

  const isEmpty = () => eventually(async () => expect(await aws.count(aws.queues.notes)).to.deep.equal({ visible: 0, hidden: 0 }))
  const said = () => lines.map(({ msg }) => msg)

  it('gets messages in batches; only what failed comes again', async () => {
    const [good, bad, alsoGood] = [await send('well'), await send('fail once'), await send('well')]
    run()
    await isEmpty()
    expect(good.history()).to.deep.equal(['1/3'])
    expect(bad.history()).to.deep.equal(['1/3', '2/1'])
    expect(alsoGood.history()).to.deep.equal(['1/3'])
  })

  it('sees the whole batch again when it throws, names a stranger as failed, or dies', async () => {
    for (const [does, why] of [
      ['throw', /^the whole batch failed: it threw: Error: on purpose/],
      ['misname', /names a message that is not in the batch/],
      ['die', /its process ended with code 3/],
    ] as const) {
      const [one, other] = [await send('well'), await send(does)]
      const { mapping, process } = run()
      await isEmpty()
      expect(one.receives(), does).to.deep.equal(['1', '2'])
      expect(other.receives(), does).to.deep.equal(['1', '2'])
      expect(
        said().some((line) => why.test(line)),
        said().join('\n'),
      ).to.equal(true)
      await mapping.stop(0)
      process.kill()
      // A poll that was broken off may still be waiting there, and would swallow what is sent next.
      await stopQueues()
      await startQueues()
    }
  })

  it('is killed when it takes too long, and sees the messages again', async () => {
    const message = await send('hang')
    const { process } = run({}, { timeoutSeconds: 1 })
    await eventually(() => expect(message.receives()).to.deep.equal(['1']))
    const pid = process.pid()
    await isEmpty()
    expect(message.receives()).to.deep.equal(['1', '2'])
    expect(said()).to.include('the whole batch failed: it took more than 1 s')
    expect(process.pid()).not.to.equal(pid)
    expect(() => globalThis.process.kill(pid!, 0)).to.throw('ESRCH')
  })

  it('leaves a message that fails every time to the dead-letter queue', async () => {
    const message = await send('fail')
    run()
    await eventually(async () => expect(await aws.count(aws.dead(aws.queues.notes))).to.include({ visible: 1 }))
    expect(message.receives()).to.deep.equal(['1', '2', '3'])
  })

  it('keeps what it works on hidden for as long as it takes', async () => {
    const message = await send('wait')
    run({ times: { hiddenSeconds: 1 } })
    await eventually(() => expect(message.receives()).to.have.length(1))
    const since = Date.now()
    await eventually(async () => {
      expect(await aws.count(aws.queues.notes)).to.deep.equal({ visible: 0, hidden: 1 })
      expect(Date.now() - since).to.be.greaterThan(2_500)
    })
    expect(await aws.take(aws.queues.notes)).to.deep.equal([])
    message.go()
    await isEmpty()
    expect(message.receives()).to.deep.equal(['1'])
  })

  it('has one batch in hand at a time', async () => {
    const first = await send('wait')
    run()
    await eventually(() => expect(first.receives()).to.have.length(1))
    const second = await send('well')
    await eventually(async () => expect(await aws.count(aws.queues.notes)).to.deep.equal({ visible: 1, hidden: 1 }))
    expect(second.receives()).to.deep.equal([])
    first.go()
    await isEmpty()
    expect(second.history()).to.deep.equal(['1/1'])
  })

  it('finishes and deletes what it has in hand when the runner stops', async () => {
    const message = await send('wait')
    const { mapping } = run()
    await eventually(() => expect(message.receives()).to.have.length(1))
    const stopping = mapping.stop(60_000)
    const later = await send('well')
    message.go()
    await stopping
    expect(await aws.count(aws.queues.notes)).to.deep.equal({ visible: 1, hidden: 0 })
    expect(message.receives()).to.deep.equal(['1'])
    expect(later.receives()).to.deep.equal([])
  })

  it('does not wait out a poll when the runner stops', async () => {
    const { mapping } = run()
    const message = await send('well')
    await eventually(() => expect(message.receives()).to.have.length(1))
    await isEmpty()
    const since = Date.now()
    await mapping.stop(60_000)
    expect(Date.now() - since).to.be.lessThan(2_000)
  })

  it('gives up what takes too long for a stop, and hands it back at once', async () => {
    const message = await send('wait')
    const { mapping } = run({ times: { hiddenSeconds: 600, retrySeconds: () => 600 } })
    await eventually(() => expect(message.receives()).to.have.length(1))
    await mapping.stop(100)
    await eventually(async () => expect(await aws.take(aws.queues.notes)).to.have.length(1))
  })

  it('has a process from its first message on, until none has come for a while', async () => {
    const { process } = run({}, { idleMs: 300 })
    expect(process.pid()).to.equal(undefined)
    for (const message of [await send('well'), await send('well')]) {
      await eventually(() => expect(message.receives()).to.have.length(1))
      await eventually(() => expect(process.pid()).to.equal(undefined))
    }
    expect(said().filter((line) => line === 'started a function').length).to.be.within(1, 2)
  })

  it('has its lines logged under its name and the request, and sees its own environment only', async () => {
    await send('tell')
    run()
    await isEmpty()
    const hello = lines.find(({ msg }) => msg === 'hello')!
    expect(hello).to.include({ level: 'info', function: 'ai-note' })
    expect(hello.requestId).to.match(/^[0-9a-f-]{36}$/)
    expect(hello.remaining).to.be.within(20_000, 30_000)
    expect(lines.find(({ msg }) => msg === 'trouble 7')).to.include({ level: 'error', requestId: hello.requestId })
    expect((hello.environment as string[]).filter((name) => !name.startsWith('NODE_CHANNEL')).sort()).to.deep.equal([
      'OF_THE_FUNCTION',
      'PATH',
    ])
  })

  it('that cannot start fails its messages and says why', async () => {
    const broken = join(folder, 'broken.mjs')
    writeFileSync(broken, "throw new Error('GEMINI_API_KEY is missing')")
    await send('well')
    run({}, { code: broken })
    await eventually(() => expect(said()).to.include('the whole batch failed: it failed to start: GEMINI_API_KEY is missing'))
    await eventually(async () => expect(await aws.count(aws.dead(aws.queues.notes))).to.include({ visible: 1 }))
  })

  it('goes on when the queue can be read again', async () => {
    let isAway = true
    const { mapping } = run()
    await mapping.stop(0)
    const { mapping: second } = run({
      queues: { ...queues, receive: (url, options) => queues.receive(isAway ? `${url}-that-is-not-there` : url, options) },
    })
    await eventually(() => expect(said()).to.include('the queue cannot be read'))
    expect(await second.works().catch((error) => error)).to.be.instanceOf(Error)
    const message = await send('well')
    isAway = false
    await eventually(() => expect(message.receives().length).to.be.greaterThan(0))
    expect(said()).to.include('the queue can be read again')
    expect(said().filter((line) => line === 'the queue cannot be read')).to.have.length(1)
    expect(await second.works()).to.equal(undefined)
  })
})
