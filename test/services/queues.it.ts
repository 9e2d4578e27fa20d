import { expect } from 'chai'
import { setUpAws } from '#platform/aws/setup.ts'
import { readSettings } from '#platform/config/settings.ts'
import { openQueues } from '#platform/sqs/open.ts'
import type { Queues } from '#platform/sqs/queues.ts'
import { eventually } from '#test/kit/eventually.ts'
import { startLocalAws } from '#test/kit/local-aws.ts'
import { startMinistack } from '#test/kit/ministack.ts'
import { emptyDatabase, freshDatabase } from '#test/kit/postgres.ts'
import { vidwiz } from '#test/kit/run.ts'

const BODY = '{"id":7,"video_id":"dQw4w9WgXcQ","text":"é😀 \\"<&>\\"","user_id":1}'

describe('queues whose server is frozen', function () {
  this.timeout(120_000)
  it('hold up neither the look at the consumers nor the command that lists them for ever, and are told of', async () => {
    const [database, local] = await Promise.all([freshDatabase(), startLocalAws()])
    const { pid } = local.running().process
    process.kill(pid!, 'SIGSTOP')
    try {
      const env = { VIDWIZ_DATA: local.data, DB_URL: database.url }
      const begun = performance.now()
      const lag = await vidwiz(['lag'], env).finished
      expect(lag.code, lag.stderr).to.equal(0)
      expect(lag.stdout).to.match(/^STATE +CONSUMER/m)
      expect(performance.now() - begun).to.be.lessThan(15_000)
      const queues = await vidwiz(['queues'], env).finished
      expect([queues.code, queues.stdout]).to.satisfy(
        ([code, text]: [number, string]) => code === 1 && text.match(/cannot be read/g)?.length === 3,
        queues.stdout + queues.stderr,
      )
    } finally {
      process.kill(pid!, 'SIGCONT')
      await local.stop()
      await database.drop()
    }
  })
})

interface Server {
  /** As a person has it who calls the command. */
  env: Record<string, string>
  queues: Queues
  urls: { notes: string; summaries: string }
  /** Whether it tells how old the oldest message is. */
  tellsAge: boolean
  stop(): Promise<void>
}

async function inTheDataFolder(): Promise<Server> {
  const local = await startLocalAws()
  const settings = local.settings()
  const queues = await openQueues(settings)
  return {
    env: { VIDWIZ_DATA: local.data },
    queues,
    urls: { notes: settings.SQS_AI_NOTE_QUEUE_URL!, summaries: settings.SQS_SUMMARY_QUEUE_URL! },
    tellsAge: true,
    async stop() {
      queues.close()
      await local.stop()
    },
  }
}

async function inMinistack(test: Mocha.Context): Promise<Server> {
  const ministack = await startMinistack(test)
  const urls = {
    notes: `${ministack.url}/000000000000/vidwiz-ai-notes`,
    summaries: `${ministack.url}/000000000000/vidwiz-summaries`,
  }
  const env = {
    ...ministack.env,
    SQS_AI_NOTE_QUEUE_URL: urls.notes,
    SQS_SUMMARY_QUEUE_URL: urls.summaries,
    SQS_TRANSCRIPTION_QUEUE_URL: `${ministack.url}/000000000000/vidwiz-media`,
    S3_BUCKET_NAME: 'vidwiz',
  }
  const settings = readSettings(env)
  await setUpAws(settings)
  const queues = await openQueues(settings)
  return {
    env,
    queues,
    urls,
    tellsAge: false,
    async stop() {
      queues.close()
      await ministack.stop()
    },
  }
}

for (const [where, open] of [
  ['the data folder', inTheDataFolder],
  ['MiniStack', inMinistack],
] as const)
  describe(`vidwiz queues, with SQS in ${where}`, function () {
    this.timeout(120_000)
    let server: Server
    before(async function () {
      server = await open(this)
    })
    after(() => server?.stop())

    const run = (...args: string[]) => vidwiz(['queues', ...args], server.env).finished
    const rows = async () => JSON.parse((await run('--json')).stdout) as Record<string, unknown>[]
    const row = async (queue: string) => (await rows()).find((one) => one.queue === queue)!
    const deadUrl = () => `${server.urls.notes}-dead`
    const lay = (url: string, bodies: string[]) =>
      server.queues.sendBatch(
        url,
        bodies.map((body, i) => ({ id: String(i), body })),
      )

    it('lists every queue and its dead letters, with no age that nobody knows', async () => {
      const names = (await rows()).map(({ queue, deadLettersOf }) => [queue, deadLettersOf])
      expect(names).to.deep.equal([
        ['vidwiz-ai-notes', undefined],
        ['vidwiz-ai-notes-dead', 'vidwiz-ai-notes'],
        ['vidwiz-summaries', undefined],
        ['vidwiz-summaries-dead', 'vidwiz-summaries'],
        ['vidwiz-media', undefined],
        ['vidwiz-media-dead', 'vidwiz-media'],
      ])
      // A job is an hour's work, and three receipts of its message are its three tries.
      const media = server.urls.notes.replace('ai-notes', 'media')
      const { visibilitySeconds, deadLetters } = await server.queues.attributes(media)
      expect([visibilitySeconds, deadLetters!.maxReceiveCount]).to.deep.equal([3_600, 3])
      await lay(server.urls.summaries, ['{"video_id":"a"}', '{"video_id":"b"}'])
      await server.queues.receive(server.urls.summaries, { max: 1 })
      const { oldestSeconds, ...counts } = await row('vidwiz-summaries')
      expect(counts).to.deep.equal({ queue: 'vidwiz-summaries', visible: 1, inFlight: 1, delayed: 0 })
      if (server.tellsAge) expect(oldestSeconds).to.be.within(0, 60)
      else expect(oldestSeconds).to.equal(undefined)
      const { stdout, code } = await run()
      expect(code).to.equal(0)
      expect(stdout).to.match(/^QUEUE +STATE +VISIBLE +IN FLIGHT +DELAYED +OLDEST\n/)
      expect(stdout).to.match(server.tellsAge ? /vidwiz-summaries +ok +1 +1 +0 +\d+ s\n/ : /vidwiz-summaries +ok +1 +1 +0 +-\n/)
      expect(stdout).to.match(/vidwiz-ai-notes-dead +ok +0 +0 +0 +-\n/)
    })

    it('shows dead letters without taking them, and obeys nothing that is in them', async () => {
      await lay(deadUrl(), [BODY, 'a\u009b31mb'])
      for (const times of [1, 2]) {
        const seen = (await run('peek', 'vidwiz-ai-notes', '--json')).stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
        expect(seen.map(({ body, receiveCount }) => [body, receiveCount])).to.have.deep.members([
          [BODY, times],
          ['a\u009b31mb', times],
        ])
        expect((await row('vidwiz-ai-notes-dead')).visible).to.equal(2)
      }
      const { stdout } = await run('peek', 'ai-notes-dead', '--limit', '20')
      expect(stdout).to.include(BODY).and.include('a\\u009b31mb')
      expect(stdout).to.match(/^SENT +FIRST RECEIVED +TIMES +BODY\n20\d\d-.*Z +20\d\d-.*Z +3 +/)
    })

    it('shows why a worker could not handle a message, where the worker says so', async () => {
      const dead = `${server.urls.summaries}-dead`
      const attributes = { cause: 'the body is no JSON\u009b31m' }
      await server.queues.sendBatch(dead, [{ id: '1', body: 'nonsense', attributes }])
      const { stdout } = await run('peek', 'vidwiz-summaries')
      expect(stdout).to.match(/^SENT +FIRST RECEIVED +TIMES +CAUSE +BODY\n.* {2}the body is no JSON\\u009b31m +nonsense\n$/)
    })

    it('sends dead letters back as they were, first so many, then the rest', async () => {
      await lay(
        deadUrl(),
        Array.from({ length: 23 }, (_, i) => `{"n":${i}}`),
      )
      expect((await run('redrive', 'vidwiz-ai-notes', '--dry-run')).stdout).to.equal(
        'would send 25 messages of vidwiz-ai-notes-dead back to vidwiz-ai-notes\n',
      )
      expect((await row('vidwiz-ai-notes-dead')).visible).to.equal(25)
      const some = await run('redrive', 'vidwiz-ai-notes', '--limit', '12')
      expect(some.stdout).to.equal('sent 12 messages of vidwiz-ai-notes-dead back to vidwiz-ai-notes\n')
      expect(some.stderr).to.match(
        /^this is not recorded in vidwiz.ops: no Postgres .*\nvidwiz-ai-notes-dead: sent back 10 of 25\n.*sent back 12 of 25\n$/,
      )
      expect(await row('vidwiz-ai-notes-dead')).to.include({ visible: 13, inFlight: 0 })
      expect((await run('redrive', 'ai-notes')).stdout).to.include('sent 13 messages')
      expect((await run('redrive', 'ai-notes')).stdout).to.include('sent 0 messages')
      expect(await row('vidwiz-ai-notes-dead')).to.include({ visible: 0, inFlight: 0 })
      const bodies: string[] = []
      while (bodies.length < 25) bodies.push(...(await server.queues.receive(server.urls.notes)).map(({ body }) => body))
      expect(bodies).to.have.members([BODY, 'a\u009b31mb', ...Array.from({ length: 23 }, (_, i) => `{"n":${i}}`)])
    })

    it('loses no dead letter when it is killed while it sends them back', async () => {
      const count = 120
      await lay(
        deadUrl(),
        Array.from({ length: count }, (_, i) => `{"n":${i}}`),
      )
      const redriving = vidwiz(['queues', 'redrive', 'ai-notes'], server.env)
      await eventually(() => expect(redriving.stderr()).to.match(/sent back [1-9]/))
      redriving.process.kill('SIGKILL')
      await redriving.finished
      const all = await Promise.all([server.urls.notes, deadUrl()].map((url) => server.queues.attributes(url)))
      // What it had in hand is hidden for now.
      expect(all[0]!.visible + all[1]!.visible + all[1]!.inFlight).to.be.at.least(count)
    })

    it('says of a queue that cannot be read why, and shows the rest', async () => {
      const env = { ...server.env, SQS_SUMMARY_QUEUE_URL: server.urls.notes.replace('ai-notes', 'nowhere') }
      // The data folder leads to its own queues only while none is set.
      const here = server.tellsAge ? { ...envOf(await run('env')), ...env } : env
      const { stdout, code } = await vidwiz(['queues'], here).finished
      expect(code).to.equal(1)
      expect(stdout).to.match(/vidwiz-nowhere +cannot be read: QueueDoesNotExist.* +- +- +- +-\n/)
      expect(stdout).to.match(/vidwiz-ai-notes-dead +ok +\d+ +\d+ +0 +/)
      for (const [args, why] of [
        [['peek', 'nonsense'], /^vidwiz: no queue is called nonsense: vidwiz-ai-notes, vidwiz-nowhere, vidwiz-media\n$/],
        [['redrive', 'nowhere'], /^vidwiz: vidwiz-nowhere cannot be read: QueueDoesNotExist.*\n$/],
      ] as const)
        expect((await vidwiz(['queues', ...args], here).finished).stderr).to.match(why)
    })
  })

/** As a shell would take it. */
const envOf = ({ stdout }: { stdout: string }) =>
  Object.fromEntries([...stdout.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name!, value!]))

describe('vidwiz queues', () => {
  it('says in one line that no queue is known', async () => {
    const { code, stderr } = await vidwiz(['queues'], { VIDWIZ_DATA: '/tmp/vidwiz-nothing-here' }).finished
    expect(code).to.equal(1)
    expect(stderr).to.match(/^vidwiz: no queue is known: .*\n$/)
  })
})

describe('vidwiz setup with AWS_CREATE=1', function () {
  this.timeout(120_000)

  it('makes the bucket and the queues that are named, once, and says when they would be elsewhere', async function () {
    const ministack = await startMinistack(this)
    const database = await emptyDatabase()
    const env = {
      ...ministack.env,
      DB_URL: database.url,
      AWS_CREATE: '1',
      S3_BUCKET_NAME: 'some-bucket',
      SQS_AI_NOTE_QUEUE_URL: `${ministack.url}/000000000000/notes`,
      SQS_SUMMARY_QUEUE_URL: `http://another-name-of-it/000000000000/summaries`,
    }
    const setup = (more = {}) => vidwiz(['setup'], { ...env, ...more }).finished
    expect((await setup()).stdout).to.match(/\nbucket: some-bucket\nqueues: notes-dead, notes, summaries-dead, summaries\n$/)
    expect((await setup()).stdout).to.match(/\nbucket: up to date\nqueues: up to date\n$/)
    const elsewhere = await setup({ SQS_SUMMARY_QUEUE_URL: `${ministack.url}/123456789012/summaries` })
    expect(elsewhere.stderr).to.equal(
      'vidwiz: the queue summaries is at /000000000000/summaries, not at /123456789012/summaries\n',
    )
    await ministack.stop()
    const away = await setup()
    expect(away.stderr).to.match(/^vidwiz: cannot make the bucket some-bucket: .*ECONNREFUSED.*\n$/)
    await database.drop()
  })
})
