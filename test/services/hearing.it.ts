import { symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect } from 'chai'
import { listenerFolder } from '#platform/whisper/install.ts'
import { newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { type Running, vidwiz } from '#test/kit/run.ts'
import { say } from '#test/kit/speech.ts'
import { ALL_PARTS } from '#test/kit/stack.ts'
import { studying } from '#test/kit/study-model.ts'
import { LINE, PLANTS, SUMMARY } from '#test/kit/texts.ts'
import { testListener, tinyWhisper, whisperData } from '#test/kit/whisper.ts'
import { obedient, startWhole, type Whole } from '#test/kit/whole.ts'

const WITHIN = { withinMs: 90_000, everyMs: 100 }

describe('a video without captions, in the whole system', function () {
  this.timeout(180_000)
  let whole: Whole
  let worker: Running
  let sound: string
  let person: Awaited<ReturnType<typeof newUser>>
  before(async function () {
    await testListener(this)
    sound = await say(PLANTS, { format: 'webm' })
    const parts = [...ALL_PARTS, 'media-scheduler', 'media-bridge']
    whole = await startWhole(this, { MEDIA_FALLBACK: '1', AI_NOTES_AT_SIGN_UP: '1' }, { parts })
    whole.models.answer(studying(undefined, obedient))
    const { stack } = whole
    person = await newUser(stack.url)
    // What hears is installed once for all tests of this machine.
    const installed = listenerFolder(whisperData)
    symlinkSync(installed, join(stack.dataFolder, basename(installed)))
    // As a person starts one beside `make start`: it finds queue, objects and API by the data folder and the port.
    const { AWS_ENDPOINT_URL: _, SQS_TRANSCRIPTION_QUEUE_URL: __, S3_BUCKET_NAME: ___, ...env } = stack.env
    const own = { WHISPER_MODEL: await tinyWhisper(), WHISPER_DEVICE: 'cpu', STUDY_PROVIDER: 'gemini', LOG_LEVEL: 'info' }
    worker = vidwiz(['run', 'gpu-worker'], { ...env, SQS_AI_NOTE_QUEUE_URL: '', SQS_SUMMARY_QUEUE_URL: '', ...own })
  })
  after(async () => {
    worker?.process.kill('SIGTERM')
    await worker?.finished
    await whole?.stop()
  })

  const captionless = () => whole.newVideo({ captions: [], sound: { file: sound }, metadata: { title: 'Plants', duration: 30 } })
  const note = async (videoId: string) => {
    const { status, body } = await person.call('POST', `/v2/videos/${videoId}/notes`, { timestamp: '0:10' })
    expect(status, JSON.stringify(body)).to.equal(201)
    return body.id as number
  }
  const study = async (videoId: string) => (await person.call('GET', `/v2/videos/${videoId}/study`)).body
  const video = async (videoId: string) => (await person.call('GET', `/v2/videos/${videoId}`)).body

  it('is heard: its note is written, it has a summary, chat answers, and there are flashcards and a quiz', async () => {
    const videoId = captionless()
    const noteId = await note(videoId)
    const read = async () => (await person.call('GET', `/v2/videos/${videoId}/notes`)).body[0]
    await eventually(async () => expect(await read()).to.include({ text: LINE, generated_by_ai: true }), WITHIN)
    await eventually(async () => expect((await video(videoId)).summary).to.equal(SUMMARY), WITHIN)
    expect(whole.pages.hits(videoId, 'captions')).to.equal(0)

    // What was heard is what models get to read.
    expect((await video(videoId)).transcript_available).to.equal(true)
    const asked = JSON.stringify(whole.models.asked.map(({ body }) => body)).toLowerCase()
    for (const word of ['leaves', 'carbon dioxide', 'oxygen', 'sunlight']) expect(asked).to.include(word)

    const { body: conversation } = await person.call('POST', '/v2/conversations', { video_id: videoId })
    const reply = await person.call('POST', `/v2/conversations/${conversation.id}/messages`, { message: 'What do plants need?' })
    expect([reply.status, String(reply.body)]).to.satisfy(
      ([status, text]: [number, string]) => status === 200 && text.includes('Somebody'),
    )

    await eventually(async () => expect((await study(videoId)).status).to.equal('completed'), WITHIN)
    const made = await study(videoId)
    expect(made.transcript).to.deep.include({ available: true, origin: 'speech' })
    expect(made.flashcards).to.have.length.within(5, 10)
    expect(made.quiz).to.have.length.within(5, 10)

    const { stdout } = await vidwiz(['story', `note-${noteId}`], whole.stack.env).finished
    const steps = [
      /NoteCreated +note-\d+ +at 0:10, empty/,
      /TaskAttemptFailed .*there are no captions/,
      /HearingAwaited .*\(by media-scheduler\)/,
      /MediaProcessingRequested .*job \d+, message 1 .*\(by media-scheduler\)/,
      /MediaProcessingDispatched .*\(by media-bridge\)/,
      /MediaProcessingStarted/,
      /TranscriptStored .*\d+ rows, heard by a worker/,
      /AiNoteRequested/,
      /NoteWrittenByAi/,
      /^note-\d+ was written by a model/m,
    ]
    for (const step of steps) expect(stdout).to.match(step)
  })

  it('is not heard when it is private', async () => {
    const videoId = whole.newVideo({ captions: [], failure: 'private', sound: { file: sound } })
    await note(videoId)
    const task = async () => (await vidwiz(['story', `task-transcript-${videoId}`], whole.stack.env).finished).stdout
    // A consumer that had not seen it yet would be named.
    await eventually(async () => {
      const told = await task()
      expect(told).to.match(/TaskAttemptFailed .*Private video/)
      expect(told).to.not.include('has not come to all of this yet')
    }, WITHIN)
    expect(await study(videoId)).to.include({ status: 'none' })
    expect(whole.pages.hits(videoId, 'sound')).to.equal(0)
  })

  it('has flashcards made from its captions where it has some, and nobody hears it', async () => {
    const videoId = whole.newVideo({ sound: { file: sound } })
    await note(videoId)
    await eventually(async () => expect((await video(videoId)).transcript_available).to.equal(true), WITHIN)
    const { status } = await person.call('POST', `/v2/videos/${videoId}/study`, {})
    expect(status).to.equal(202)
    await eventually(async () => expect((await study(videoId)).status).to.equal('completed'), WITHIN)
    expect((await study(videoId)).flashcards).to.have.length.within(5, 10)
    expect(whole.pages.hits(videoId, 'sound')).to.equal(0)
  })

  it('is heard by a worker that says on which device, and stops in time', async () => {
    expect(worker.stdout()).to.match(/transcribes on cpu, int8/)
    worker.process.kill('SIGTERM')
    const begun = performance.now()
    expect((await worker.finished).code).to.equal(0)
    expect(performance.now() - begun).to.be.lessThan(10_000)
  })
})
