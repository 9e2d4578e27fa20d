import { expect } from 'chai'
import { failMedia } from '#events/media.ts'
import { closeBreaker, readBreaker } from '#platform/ytdlp/breaker.ts'
import { eventually } from '#test/kit/eventually.ts'
import { randomWhisper } from '#test/kit/random-whisper.ts'
import { vidwiz } from '#test/kit/run.ts'
import { testListener, whisperData } from '#test/kit/whisper.ts'
import { failing, ROWS, study } from './scripted.ts'
import { MAX_RECEIVES, startWorld, WITHIN, type Worker, type World } from './world.ts'

describe('a media worker', function () {
  this.timeout(90_000)
  let world: World
  let worker: Worker
  before(async function () {
    world = await startWorld(this)
    worker = world.worker()
  })
  after(() => world?.stop())
  beforeEach(() => {
    world.scripted.answer = undefined
    world.scripted.asked.length = 0
  })

  const ended = (videoId: string, type = 'MediaProcessed') =>
    eventually(async () => expect(await world.status(videoId)).to.equal(type), WITHIN)
  const last = async (videoId: string) => (await world.events(videoId)).at(-1)!
  const json = async (key: string) => JSON.parse(String(await world.objects.get(key)))
  const said = (text: string) => worker.lines.some((line) => line.includes(text))

  it('hears a video, makes flashcards and a quiz, puts all where the contract has it, tells the API, and deletes the message', async () => {
    const { videoId, jobId } = await world.wanted({ page: {} })
    await ended(videoId)
    await world.isEmpty()
    expect(await json(`transcripts/${videoId}.json`)).to.deep.equal(ROWS)
    expect(await json(`flashcards/${videoId}/flashcards_en.json`)).to.deep.equal(study.flashcards)
    expect(await json(`quizzes/${videoId}/quiz_en.json`)).to.deep.equal(study.quiz)
    const { sizeBytes, metadata } = (await world.objects.head(`audio/${videoId}.mp3`))!
    const audio = { s3Key: `audio/${videoId}.mp3`, sizeBytes, sha256: metadata.sha256 }
    expect((await last(videoId)).data).to.deep.equal({ videoId, jobId, audio, study })
    expect(world.left()).to.deep.equal([])
    for (const copy of ['heard', 'study']) expect(await world.objects.head(`media/${videoId}/${copy}.json`)).to.equal(undefined)
    expect(said('transcribes on a script of a test')).to.equal(true)
    const figures = await worker.metrics.read()
    expect(figures)
      .to.contain('vidwiz_media_jobs_total{outcome="completed"} 1')
      .and.to.contain('vidwiz_media_heard_seconds_total 3')
    expect(figures)
      .to.match(/vidwiz_media_step_seconds_count\{step="download"\} 1/)
      .and.to.match(/vidwiz_media_busy 0/)
  })

  it('does nothing for a message that comes twice but to delete it', async () => {
    const { videoId, jobId } = await world.wanted()
    await world.send(JSON.stringify({ video_id: videoId, url: 'x', user_id: 'y', job_id: jobId }))
    await ended(videoId)
    await world.isEmpty()
    expect(world.scripted.asked).to.deep.equal(['hear', 'study'])
  })

  it('makes flashcards of a transcript that is there, and hears nothing', async () => {
    const { videoId } = await world.wanted({ transcript: ROWS })
    await ended(videoId)
    expect([world.pages.hits(videoId), world.scripted.asked]).to.deep.equal([0, ['study']])
    expect((await last(videoId)).data)
      .to.deep.include({ study })
      .and.not.to.have.property('audio')
  })

  it('takes a message from somebody else, with the number of a video and no job', async () => {
    const videoId = await world.noted()
    const message = { video_id: await world.numberOf(videoId), url: 'x', user_id: 'y', whatever: 1 }
    for (let time = 1; time <= 2; time++) await world.send(JSON.stringify(message))
    await ended(videoId)
    await world.isEmpty()
    expect([world.pages.hits(videoId), world.scripted.asked]).to.deep.equal([1, ['hear', 'study']])
  })

  it('sends what is no message to the dead-letter queue, with its cause', async () => {
    const bodies = ['no json', '[]', '{"url":"x"}', '{"video_id":"http://169.254.169.254/"}', '{"video_id":"nobodyknows"}']
    for (const body of bodies) await world.send(body)
    await world.isEmpty()
    const dead = await eventually(async () => {
      const dead = await world.dead()
      expect(dead).to.have.length(bodies.length)
      return dead
    })
    const causes = Object.fromEntries(dead.map(({ body, attributes }) => [body, attributes.cause!.text]))
    expect(Object.keys(causes).sort()).to.deep.equal([...bodies].sort())
    expect(causes['no json']).to.equal('the message is not JSON')
    expect(causes['{"url":"x"}']).to.contain('video_id')
    expect(causes['{"video_id":"nobodyknows"}']).to.contain('404 (Video not found)')
  })

  it('fails for good when a video is private, or longer than it hears, and downloads nothing', async () => {
    const hidden = await world.wanted({ page: { failure: 'private' } })
    const long = await world.wanted({ page: { metadata: { duration: 12 * 3600 } } })
    for (const { videoId } of [hidden, long]) await ended(videoId, 'MediaProcessingFailed')
    await world.isEmpty()
    expect((await last(hidden.videoId)).data)
      .to.include({ permanent: true })
      .and.to.have.property('cause')
      .that.contains('Private video')
    expect((await last(long.videoId)).data).to.deep.include({
      permanent: true,
      cause: 'the video lasts 720 minutes, which is too long: at most 240 minutes are heard (MAX_AUDIO_MINUTES)',
    })
    expect([hidden, long].map(({ videoId }) => world.pages.hits(videoId, 'sound'))).to.deep.equal([0, 0])
    expect([hidden, long].map(({ videoId }) => world.pages.hits(videoId))).to.deep.equal([1, 1])
    expect(await world.dead()).to.deep.equal([])
  })

  it('gives back what may go better, and gives it up in the end: failed, and in the dead-letter queue, with the cause', async () => {
    world.scripted.answer = () => failing('died', 'the listener ran out of memory')
    const { videoId } = await world.wanted()
    await ended(videoId, 'MediaProcessingFailed')
    await world.isEmpty()
    const cause = `the listener ran out of memory (tried ${MAX_RECEIVES} times)`
    expect((await last(videoId)).data.cause).to.equal(cause)
    const types = (await world.events(videoId)).map(({ type }) => type)
    expect(types.filter((type) => type === 'MediaProcessingInterrupted')).to.have.length(MAX_RECEIVES - 1)
    const [dead] = await world.dead()
    expect([JSON.parse(dead!.body).video_id, dead!.attributes.cause!.text]).to.deep.equal([videoId, cause])
    expect(world.left()).to.deep.equal([])
  })

  it('says what no further try would change: sound that cannot be heard, a model that refuses', async () => {
    world.scripted.answer = () => failing('bad-audio', 'there is no sound in it')
    const silent = await world.wanted()
    await ended(silent.videoId, 'MediaProcessingFailed')
    expect((await last(silent.videoId)).data).to.include({ cause: 'there is no sound in it', permanent: true })
    world.scripted.answer = (what) => what === 'study' && failing('refused', 'the model gives two flashcards only')
    const refused = await world.wanted()
    await ended(refused.videoId, 'MediaProcessingFailed')
    expect((await last(refused.videoId)).data).to.include({ cause: 'the model gives two flashcards only' })
    expect(await json(`transcripts/${refused.videoId}.json`)).to.deep.equal(ROWS)
    await world.isEmpty()
  })

  it('completes without flashcards where there is no model or nothing is said, and says so', async () => {
    world.scripted.answer = (what) => what === 'study' && failing('no-model', 'there is no key')
    const unlearnt = await world.wanted()
    await ended(unlearnt.videoId)
    expect((await last(unlearnt.videoId)).data).to.include({ missing: 'there is no key' })
    world.scripted.answer = () => ({ language: 'und', model: 'scripted', seconds: 3, rows: [] })
    const silent = await world.wanted()
    await ended(silent.videoId)
    expect((await last(silent.videoId)).data).to.include({ missing: 'nothing is said in the video' })
    expect(await world.objects.head(`transcripts/${silent.videoId}.json`)).to.equal(undefined)
  })

  it('keeps a message hidden for as long as it works on it, and tells how far it is', async () => {
    const hearing = Promise.withResolvers<undefined>()
    world.scripted.answer = (what) => (what === 'hear' ? hearing.promise : undefined)
    const { videoId } = await world.wanted()
    await eventually(() => expect(world.scripted.asked).to.have.length(1), WITHIN)
    const extended = () =>
      world.gates.sqs.seen.filter(({ headers }) => /ChangeMessageVisibility/.test(String(headers['x-amz-target'])))
    const before = extended().length
    // Twice as long as it is hidden at first.
    await eventually(() => expect(extended().length).to.be.at.least(before + 4), WITHIN)
    expect(await world.queues.receive(world.queueUrl)).to.deep.equal([])
    hearing.resolve(undefined)
    await ended(videoId)
    expect(world.scripted.asked).to.deep.equal(['hear', 'study'])
    const progressed = (await world.events(videoId)).filter(({ type }) => type === 'MediaProgressed').map(({ data }) => data)
    expect(progressed.map(({ step }) => step)).to.include('transcript')
    expect(progressed.find(({ step, percent }) => step === 'transcript' && percent === 33)).not.to.equal(undefined)
  })

  it('stops quietly when somebody else has the message, and when nobody wants the job any more', async () => {
    const never = new Promise<undefined>(() => {})
    world.scripted.answer = () => never
    const lost = await world.wanted()
    await eventually(() => expect(world.scripted.asked).to.have.length(1), WITHIN)
    world.gates.sqs.isClosed = true
    const [other] = await eventually(async () => {
      const received = await world.queues.receive(world.queueUrl, { waitSeconds: 1, visibilitySeconds: 30 })
      expect(received).to.have.length(1)
      return received
    }, WITHIN)
    await world.queues.delete(world.queueUrl, [other!.receipt])
    world.gates.sqs.isClosed = false
    await eventually(() => expect(said('another worker has the message')).to.equal(true), WITHIN)
    expect(await world.status(lost.videoId)).not.to.be.oneOf(['MediaProcessingInterrupted', 'MediaProcessingFailed'])

    world.scripted.asked.length = 0
    const { videoId, jobId } = await world.wanted()
    await eventually(() => expect(world.scripted.asked).to.have.length(1), WITHIN)
    await world.api.execute(failMedia({ videoId, jobId, cause: 'a person said so', permanent: true }), {
      actor: 'a test',
      correlationId: 'a test',
    })
    await world.isEmpty()
    expect(await world.status(videoId)).to.equal('MediaProcessingFailed')
    await eventually(() => expect(world.left()).to.deep.equal([]))
  })

  it('asks nobody while YouTube refuses, and gives back what it has in hand without counting it against the job', async () => {
    const { videoId } = await world.wanted({ page: { failure: 'bot-check' } })
    await eventually(() => expect(readBreaker(world.data).state).to.equal('open'), WITHIN)
    const other = await world.wanted()
    await eventually(() => expect(said('YouTube refuses: waiting')).to.equal(true), WITHIN)
    expect((await last(videoId)).data.cause).to.contain('not a bot')
    expect([world.pages.hits(videoId), world.pages.hits(other.videoId)]).to.deep.equal([1, 0])
    world.pages.videos[videoId] = { failure: 'private' }
    await closeBreaker(world.data)
    await ended(other.videoId)
    await ended(videoId, 'MediaProcessingFailed')
  })

  it('does not start without a queue, and says which settings name one', async () => {
    const { code, stderr } = await vidwiz(['run', 'gpu-worker'], { VIDWIZ_DATA: world.data }).finished
    expect(code).to.equal(1)
    expect(stderr).to.match(/^vidwiz: SQS_QUEUE_URL or SQS_TRANSCRIPTION_QUEUE_URL must be set[^\n]*\n$/)
  })

  it('runs as a service, says on what it hears, and ends well', async function () {
    const { VIDWIZ_DATA: _, ...env } = world.env
    const listener = await testListener(this)
    const running = vidwiz(['run', 'gpu-worker'], {
      ...env,
      VIDWIZ_DATA: whisperData,
      YTDLP_PATH: world.ytDlp,
      WHISPER_MODEL: await randomWhisper(listener),
      WHISPER_DEVICE: 'cpu',
    })
    await running.prints(/transcribes on [^"]*cpu[^"]*/)
    running.process.kill('SIGTERM')
    expect((await running.finished).code).to.equal(0)
  })
})
