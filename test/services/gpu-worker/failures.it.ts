import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { eventually } from '#test/kit/eventually.ts'
import { say } from '#test/kit/speech.ts'
import { failing } from './scripted.ts'
import { MAX_RECEIVES, startWorld, WITHIN, type World } from './world.ts'

const STOP_MS = 10_000

describe('a media worker in trouble', function () {
  this.timeout(90_000)
  let world: World
  before(async function () {
    world = await startWorld(this)
  })
  after(() => world?.stop())
  beforeEach(() => {
    world.scripted.answer = undefined
    world.scripted.asked.length = 0
    for (const gate of Object.values(world.gates)) Object.assign(gate, { before: undefined, after: undefined, isClosed: false })
  })

  const ended = (videoId: string, type = 'MediaProcessed') =>
    eventually(async () => expect(await world.status(videoId)).to.equal(type), WITHIN)
  const last = async (videoId: string) => (await world.events(videoId)).at(-1)!

  for (const name of ['sqs', 's3', 'api'] as const)
    it(`goes on where it was when ${name} comes back, and nothing is heard twice`, async () => {
      const hearing = Promise.withResolvers<undefined>()
      world.scripted.answer = (what) => (what === 'hear' ? hearing.promise : undefined)
      const { videoId } = await world.wanted()
      const worker = world.worker()
      await eventually(() => expect(world.scripted.asked).to.have.length(1), WITHIN)
      world.gates[name].isClosed = true
      hearing.resolve(undefined)
      if (name !== 'sqs') await eventually(() => expect(worker.lines.join('')).to.match(/asking the (store|API) again/), WITHIN)
      else await ended(videoId)
      world.gates[name].isClosed = false
      await ended(videoId)
      // A message that could not be deleted comes again, and there is nothing to do then.
      await world.isEmpty()
      expect(world.scripted.asked).to.deep.equal(['hear', 'study'])
      await worker.stop()
    })

  it('does not blame the job for an API that is away for longer than anybody waits', async () => {
    world.gates.api.isClosed = true
    const { videoId } = await world.wanted()
    const worker = world.worker({ times: { patienceMs: 100 } })
    const givenBack = () => worker.lines.filter((line) => line.includes('returned to the queue')).length
    await eventually(() => expect(givenBack()).to.be.above(MAX_RECEIVES), WITHIN)
    world.gates.api.isClosed = false
    await ended(videoId)
    await world.isEmpty()
    expect(await world.dead()).to.deep.equal([])
    await worker.stop()
  })

  it('pauses when the key of the model is refused or its own token is, says so once, and does not blame the job', async () => {
    world.scripted.answer = (what) => what === 'study' && failing('set-up', 'the model refuses the key')
    const { videoId } = await world.wanted()
    const worker = world.worker()
    const count = (text: string) => worker.lines.filter((line) => line.includes(text)).length
    await eventually(() => expect(count('returned to the queue')).to.equal(2), WITHIN)
    expect(count('pauses: the model refuses the key')).to.equal(1)
    world.scripted.answer = undefined
    await ended(videoId)
    await worker.stop()
    const other = await world.wanted()
    const stranger = world.worker({ env: { ADMIN_TOKEN: 'not the one of the API' } })
    await eventually(() => expect(stranger.lines.join('')).to.contain('is ADMIN_TOKEN that of the API?'), WITHIN)
    await stranger.stop()
    const own = world.worker()
    await ended(other.videoId)
    await own.stop()
  })

  it('gives up a job whose transcript the store does not have, and works on others meanwhile', async () => {
    const { videoId } = await world.wanted({ transcript: [{ text: 'hello there', offset: 0, duration: 1 }] })
    await world.objects.delete(`transcripts/${videoId}.json`)
    const worker = world.worker({ times: { againSeconds: () => 1 } })
    await ended(videoId, 'MediaProcessingFailed')
    expect((await last(videoId)).data.cause).to.equal(
      'the store lacks the transcript that the API names: check S3_BUCKET_NAME (tried 2 times)',
    )
    expect(worker.lines.join('')).not.to.contain('pauses')
    await world.isEmpty()
    expect(await world.dead()).to.have.length(1)
    await worker.stop()
  })

  it('removes what a worker of another machine left behind, also when that becomes clear only later', async () => {
    const folder = join(world.data, 'gpu-worker', 'work', 'elsewhere_1@1_left')
    mkdirSync(folder, { recursive: true })
    const worker = world.worker()
    await world.send('not for us')
    await world.isEmpty()
    expect(world.left()).to.have.length(1)
    utimesSync(folder, 0, 0)
    await world.send('nor is this')
    await eventually(() => expect(world.left()).to.deep.equal([]), WITHIN)
    await world.isEmpty()
    expect(await world.dead()).to.have.length(2)
    await worker.stop()
  })

  it('says when the disk has no room for a video, before it downloads it, and gives it up in the end', async () => {
    const file = world.speech
    const { videoId } = await world.wanted({ page: { sound: { file, bytes: 10 ** 14 } } })
    const worker = world.worker({ env: { MEDIA_DISK_MB: '100000000' }, times: { againSeconds: () => 1 } })
    await ended(videoId, 'MediaProcessingFailed')
    expect((await last(videoId)).data.cause).to.match(
      /^the disk of the worker is full \(95\d+ MB are needed, \d+ MB are free\) \(tried 2/,
    )
    expect(world.pages.hits(videoId, 'sound')).to.equal(0)
    await world.isEmpty()
    expect(await world.dead()).to.have.length(1)
    await worker.stop()
  })

  it('ends a download that grows beyond its bound, whatever the site said of its size', async () => {
    const file = await say('hello there', { format: 'wav', times: 60 })
    const honest = await world.wanted({ page: { sound: { file } } })
    const lying = await world.wanted({ page: { sound: { file, bytes: 1_000, isChunked: true } } })
    const worker = world.worker({ env: { MEDIA_DISK_MB: '1' } })
    for (const { videoId } of [honest, lying]) {
      await ended(videoId, 'MediaProcessingFailed')
      expect((await last(videoId)).data).to.deep.include({
        cause: 'the sound of the video is larger than 1 MB (MEDIA_DISK_MB)',
        permanent: true,
      })
    }
    await world.isEmpty()
    expect(world.left()).to.deep.equal([])
    await worker.stop()
  })

  it('says that the disk is full when it fills up under way, and removes what it had', async function () {
    const folder = mkdtempSync(join(tmpdir(), 'vidwiz-small-disk-'))
    const disk = join(folder, 'disk')
    mkdirSync(disk)
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=80m', 'tmpfs', disk]).status !== 0) {
      rmSync(folder, { recursive: true })
      console.error('skipping: no small disk can be mounted here')
      this.skip()
    }
    try {
      const file = join(folder, 'too much.webm')
      writeFileSync(file, Buffer.alloc(100 * 1024 * 1024))
      // Nobody said how large it is, and how long.
      const { videoId } = await world.wanted({ page: { sound: { file, isChunked: true }, metadata: {} } })
      const worker = world.worker({ env: { VIDWIZ_DATA: disk, YTDLP_PATH: world.ytDlp } })
      await ended(videoId, 'MediaProcessingFailed')
      expect((await last(videoId)).data.cause).to.match(/^the disk of the worker is full/)
      await worker.stop()
      expect(spawnSync('find', [join(disk, 'gpu-worker'), '-type', 'f'], { encoding: 'utf8' }).stdout).to.equal('')
      await world.isEmpty()
      await world.dead()
    } finally {
      spawnSync('umount', [disk])
      rmSync(folder, { recursive: true })
    }
  })

  it('keeps nothing for a queue that has no dead-letter queue: what it cannot handle is deleted, and logged', async () => {
    const bare = await world.queues.create('bare')
    await world.queues.sendBatch(bare, [{ id: '1', body: 'no json' }])
    const worker = world.worker({ env: { SQS_QUEUE_URL: bare } })
    await eventually(() => expect(worker.lines.join('')).to.contain('deleted, for the queue has no dead-letter queue'), WITHIN)
    await eventually(async () => expect((await world.queues.attributes(bare)).inFlight).to.equal(0))
    expect(worker.lines.join('')).to.contain('"body":"no json"')
    await worker.stop()
  })

  describe('what it finds in the store', () => {
    /** A job that came as far as its transcript, and was given back there. */
    async function halfDone() {
      world.scripted.asked.length = 0
      world.scripted.answer = (what) => what === 'study' && failing('away', 'the model is away')
      // Not before what lies in the store has been looked at.
      const reporting = Promise.withResolvers<undefined>()
      world.gates.api.before = async ({ body }) => {
        if (!String(body).includes('"transcript"')) return undefined
        await reporting.promise
        return 'cut'
      }
      const job = await world.wanted()
      const worker = world.worker()
      await eventually(
        async () => expect(await world.objects.head(`media/${job.videoId}/heard.json`)).not.to.equal(undefined),
        WITHIN,
      )
      const stopped = worker.stop()
      reporting.resolve(undefined)
      await stopped
      world.gates.api.before = undefined
      world.scripted.answer = undefined
      world.scripted.asked.length = 0
      world.gates.s3.seen.length = 0
      return job.videoId
    }

    it('is not made again: sound, what was heard', async () => {
      const videoId = await halfDone()
      const worker = world.worker()
      await ended(videoId)
      expect([world.scripted.asked, world.pages.hits(videoId)]).to.deep.equal([['study'], 0])
      expect(world.puts(videoId).filter((key) => /audio|heard/.test(key))).to.deep.equal([])
      await worker.stop()
    })

    it('is made again where it is cut short or spoilt, and only that', async () => {
      const videoId = await halfDone()
      const [heard, audio] = [`media/${videoId}/heard.json`, `audio/${videoId}.mp3`]
      const { metadata } = (await world.objects.head(heard))!
      await world.objects.put(heard, '{"language":"en","mod', 'application/json', { ...metadata })
      const first = world.worker()
      await ended(videoId)
      await first.stop()
      expect(world.scripted.asked, 'heard from the mp3 in the store').to.deep.equal(['hear', 'study'])
      expect([world.pages.hits(videoId), world.puts(videoId).filter((key) => key.startsWith('audio'))]).to.deep.equal([0, []])

      for (const spoil of ['cut short', 'another byte']) {
        const other = await halfDone()
        await world.objects.delete(`media/${other}/heard.json`)
        const file = join(world.data, 'copy.mp3')
        const key = audio.replace(videoId, other)
        const { metadata } = (await world.objects.getFile(key, file))!
        const sound = (await world.objects.get(key))!
        if (spoil === 'cut short') truncateSync(file, sound.length - 1)
        else writeFileSync(file, sound.fill(7, 5_000, 5_001))
        await world.objects.putFile(key, file, 'audio/mpeg', { metadata })
        const worker = world.worker()
        await ended(other)
        await worker.stop()
        expect(world.pages.hits(other), spoil).to.equal(1)
        expect(worker.lines.join('')).to.contain('a stored object is incomplete')
        const head = (await world.objects.head(key))!
        expect(head.metadata.bytes).to.equal(String(head.sizeBytes))
      }
    })
  })

  describe('told to stop', () => {
    const never = new Promise<undefined>(() => {})
    const holds =
      (text: string) =>
      async ({ method, url, body }: { method: string; url: string; body: Buffer }) => {
        if (`${method} ${url} ${body.length < 100_000 ? body : ''}`.includes(text)) {
          held.resolve()
          await never
        }
        return undefined
      }
    let held = Promise.withResolvers<void>()
    const steps: [string, () => void, boolean?][] = [
      ['while it downloads', () => held.resolve(), true],
      ['while it stores the mp3', () => Object.assign(world.gates.s3, { before: holds('PUT /things/audio') }), true],
      ['while it hears', () => Object.assign(world.scripted, { answer: holdsPort('hear') })],
      ['while the API is told what was heard', () => Object.assign(world.gates.api, { before: holds('"transcript"') })],
      ['while flashcards are made', () => Object.assign(world.scripted, { answer: holdsPort('study') })],
      ['while the API is told the end', () => Object.assign(world.gates.api, { before: holds('"completed"') })],
    ]
    const holdsPort = (which: string) => (what: string) => {
      if (what !== which) return undefined
      held.resolve()
      return never
    }
    for (const [when, hold, isDownloaded] of steps)
      it(`${when}, it gives the message back within ten seconds`, async () => {
        held = Promise.withResolvers<void>()
        hold()
        const isDownloading = when.endsWith('downloads')
        const page = isDownloading ? { sound: { file: world.speech, stallsAfter: 1_000 } } : {}
        const { videoId } = await world.wanted(isDownloaded ? { page } : {})
        const worker = world.worker({ env: { MEDIA_VISIBILITY_SECONDS: '600' } })
        await held.promise
        if (isDownloading) await eventually(() => expect(world.pages.hits(videoId, 'sound')).to.equal(1), WITHIN)
        const since = performance.now()
        await worker.stop()
        expect(performance.now() - since).to.be.below(STOP_MS)
        expect(world.left()).to.deep.equal([])
        const { type, data } = await last(videoId)
        expect([type, data.cause]).to.deep.equal(['MediaProcessingInterrupted', 'the worker was told to stop'])
        for (const gate of Object.values(world.gates)) gate.before = undefined
        world.scripted.answer = undefined
        world.pages.videos[videoId]!.sound = { file: world.speech }
        const next = world.worker()
        await ended(videoId)
        await world.isEmpty()
        await next.stop()
      })
  })
})
