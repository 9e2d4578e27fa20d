import { expect } from 'chai'
import { eventually } from '#test/kit/eventually.ts'
import type { Passing } from '#test/kit/gate.ts'
import { ROWS, study } from './scripted.ts'
import { startWorld, type WorkerProcess, type World } from './world.ts'

/** What is made once, unless the worker dies before it is kept. */
interface Counts {
  page: number
  sound: number
  hear: number
  study: number
}
const ONCE: Counts = { page: 1, sound: 1, hear: 1, study: 1 }
/** Where somebody had the mp3 before. */
const KEPT: Counts = { ...ONCE, page: 0, sound: 0 }

/** Where a worker dies: at a request, or just after the server has done what it was asked to. */
interface Point {
  at: string
  gate?: 's3' | 'api' | 'sqs'
  when?: 'before' | 'after'
  /** In the method, the address or the body. */
  text: string
  counts: Counts
}

const POINTS: Point[] = [
  { at: 'as the page is visited', text: 'page', counts: { ...ONCE, page: 2 } },
  { at: 'as the sound is downloaded', text: 'sound', counts: { ...ONCE, page: 2, sound: 2 } },
  { at: 'as ffmpeg runs', text: 'audio', counts: { ...ONCE, page: 2, sound: 2 } },
  { at: 'before the mp3 is kept', gate: 's3', when: 'before', text: 'PUT /things/audio', counts: { ...ONCE, page: 2, sound: 2 } },
  { at: 'as it hears', text: 'hear', counts: { ...KEPT, hear: 2 } },
  { at: 'after what it heard is kept', gate: 's3', when: 'after', text: 'PUT /things/media/ID/heard', counts: KEPT },
  { at: 'after the API has the transcript', gate: 'api', when: 'after', text: '"transcript":', counts: KEPT },
  { at: 'as flashcards are made', text: 'study', counts: { ...KEPT, study: 2 } },
  { at: 'after they are kept', gate: 's3', when: 'after', text: 'PUT /things/media/ID/study', counts: KEPT },
  { at: 'between flashcards and quiz', gate: 's3', when: 'before', text: 'PUT /things/quizzes', counts: KEPT },
  { at: 'before the API knows the end', gate: 'api', when: 'before', text: '"completed"', counts: KEPT },
  { at: 'after the API knows the end', gate: 'api', when: 'after', text: '"completed"', counts: KEPT },
]

describe('media workers that are killed', function () {
  this.timeout(270_000)
  let world: World
  before(async function () {
    world = await startWorld(this)
  })
  after(() => world?.stop())

  it('at every step, and with each message twice, leave one result, nothing made twice that was kept, and no file', async () => {
    const points = new Map<string, Point>()
    const counts = new Map<string, Counts>()
    let worker: WorkerProcess
    /** The worker has one job at a time. */
    let current = ''
    let kills = 0
    let isOver = false

    const start = () => {
      worker = world.workerProcess()
      worker.child.stdout!.on('data', (text) => String(text).includes('audio begins') && here('audio'))
      void worker.ended.then(() => !isOver && start())
    }
    const killed = (videoId: string): 'cut' => {
      points.delete(videoId)
      kills++
      worker.child.kill('SIGKILL')
      return 'cut'
    }
    const count = (what: keyof Counts, videoId = current) => {
      const counted = counts.get(videoId)
      if (counted) counted[what]++
    }
    for (const gate of ['s3', 'api', 'sqs'] as const)
      for (const when of ['before', 'after'] as const)
        world.gates[gate][when] = ({ method, url, headers, body }: Passing) => {
          if (gate === 'api') current = url.split('/').at(-1)!
          const point = points.get(current)
          if (point?.gate !== gate || point.when !== when) return undefined
          const text = `${method} ${url} ${headers['x-amz-target']} ${body.length < 20_000 ? body : ''}`
          return text.replaceAll(current, 'ID').includes(point.text) ? killed(current) : undefined
        }
    const here = (what: keyof Counts | 'audio', videoId = current) => {
      if (what !== 'audio') count(what, videoId)
      const point = points.get(videoId)
      if (point && !point.gate && point.text === what) killed(videoId)
    }
    world.pages.onHit = (videoId, what) => here(what as keyof Counts, videoId)
    world.scripted.answer = (what) => here(what)

    const jobs = []
    for (const point of POINTS) {
      const { videoId, jobId } = await world.wanted(point.counts.page > 0 ? { page: {} } : {})
      await world.send(JSON.stringify({ video_id: videoId, url: 'x', user_id: 'y', job_id: jobId }))
      points.set(videoId, point)
      counts.set(videoId, { page: 0, sound: 0, hear: 0, study: 0 })
      jobs.push({ videoId, point })
    }
    start()
    await eventually(async () => expect([...points.values()].map(({ at }) => at)).to.deep.equal([]), { withinMs: 240_000 })
    await world.isEmpty()
    isOver = true
    worker!.child.kill('SIGTERM')
    expect(await worker!.ended, worker!.output.join('')).to.equal(0)

    expect(kills).to.equal(POINTS.length)
    for (const { videoId, point } of jobs) {
      const types = (await world.events(videoId)).map(({ type }) => type)
      expect(
        types.filter((type) => type === 'MediaProcessed'),
        point.at,
      ).to.have.length(1)
      expect(counts.get(videoId), point.at).to.deep.equal(point.counts)
      const objects = { transcripts: ROWS, flashcards: study.flashcards, quizzes: study.quiz }
      const files = {
        transcripts: `${videoId}.json`,
        flashcards: `${videoId}/flashcards_en.json`,
        quizzes: `${videoId}/quiz_en.json`,
      }
      for (const [kind, what] of Object.entries(objects)) {
        const object = await world.objects.get(`${kind}/${files[kind as keyof typeof files]}`)
        expect(JSON.parse(String(object)), point.at).to.deep.equal(what)
      }
      for (const copy of ['heard', 'study'])
        expect(await world.objects.head(`media/${videoId}/${copy}.json`), point.at).to.equal(undefined)
      const puts = world.puts(videoId)
      expect(puts, point.at).to.have.length(new Set(puts).size)
    }
    expect(await world.dead()).to.deep.equal([])
    expect(world.left()).to.deep.equal([])
  })
})
