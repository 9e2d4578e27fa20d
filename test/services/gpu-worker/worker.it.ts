import { expect } from 'chai'
import { eventually } from '#test/kit/eventually.ts'
import { ROWS, study } from './scripted.ts'
import { startWorld, WITHIN, type World } from './world.ts'

describe('a media worker', function () {
  this.timeout(90_000)
  let world: World
  before(async function () {
    world = await startWorld(this)
  })
  after(() => world?.stop())
  const ended = (videoId: string, type = 'MediaProcessed') =>
    eventually(async () => expect(await world.status(videoId)).to.equal(type), WITHIN)
  const json = async (key: string) => JSON.parse(String(await world.objects.get(key)))

  it('hears a video, makes flashcards and a quiz, puts all where the contract has it, tells the API, and deletes the message', async () => {
    const { videoId, jobId } = await world.wanted()
    const worker = world.worker()
    await ended(videoId)
    await world.isEmpty()
    expect(await json(`transcripts/${videoId}.json`)).to.deep.equal(ROWS)
    expect(await json(`flashcards/${videoId}/flashcards_en.json`)).to.deep.equal(study.flashcards)
    expect(await json(`quizzes/${videoId}/quiz_en.json`)).to.deep.equal(study.quiz)
    const audio = (await world.objects.head(`audio/${videoId}.mp3`))!
    const events = await world.events(videoId)
    expect(events.at(-1)!.data).to.deep.include({
      jobId,
      audio: { s3Key: `audio/${videoId}.mp3`, sizeBytes: audio.sizeBytes, sha256: audio.metadata.sha256 },
      study,
    })
    await eventually(async () => expect(await world.objects.head(`media/${videoId}/heard.json`)).to.equal(undefined))
    expect(world.left()).to.deep.equal([])
    expect(worker.lines.join('')).to.contain('hears on a script of a test')
    await worker.stop()
  })
})
