import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { readSettings } from '#platform/config/settings.ts'
import { askToRedrive, parkedOf } from '#platform/log/consumers/redrive.ts'
import { changedSince } from '#platform/log/postgres/versions.ts'
import { openQueues } from '#platform/sqs/open.ts'
import type { Queues } from '#platform/sqs/queues.ts'
import { untilShown } from '#services/kit/door/where.ts'
import { openPost, type Post } from '#services/kit/post.ts'
import { mediaBridge } from '#services/media-bridge/bridge.ts'
import type { QueueName } from '#services/media-bridge/message.ts'
import { sqsBridge } from '#services/sqs-bridge/bridge.ts'
import { bridges, eventsBehind } from '#test/kit/bridges.ts'
import { eventually } from '#test/kit/eventually.ts'
import {
  aiNoteRequested,
  hearingAwaited,
  mediaFailed,
  mediaRequested,
  mediaStarted,
  noteCreated,
  userRegistered,
  videoAdded,
} from '#test/kit/histories.ts'
import { startQueues, type TestQueues } from '#test/kit/queues.ts'
import { type SqsProxy, startSqsProxy } from '#test/kit/sqs-proxy.ts'
import { type Workshop, workshop } from '#test/projections/workshop.ts'
import { newVideo } from '../api/routes/kit.ts'

const EMAIL = 'nobody.else@example.com'

describe('the media bridge', function () {
  this.timeout(60_000)
  let server: TestQueues
  let proxy: SqsProxy
  let shop: Workshop
  let queues: Queues
  const { run: runIn, errors, parked, stop } = bridges()
  let nextJob = 1

  beforeEach(async () => {
    server = await startQueues()
    proxy = await startSqsProxy(server.env.SQS_ENDPOINT)
    shop = await workshop()
    queues = await openQueues(readSettings({ ...server.env, SQS_ENDPOINT: proxy.url }))
    await shop.record(userRegistered({ userId: 1, email: EMAIL }))
  })
  afterEach(async () => {
    proxy.fate = undefined
    await stop()
    queues.close()
    await shop.close()
    await proxy.close()
    await server.stop()
  })

  const runAs = (make: Parameters<typeof runIn>[1]) => runIn(shop, make)
  const run = () =>
    runAs((execute, end) => {
      const setting = 'SQS_TRANSCRIPTION_QUEUE_URL'
      const addresses = { media: { setting, url: server.env[setting] } }
      const post: Post<QueueName> = openPost({ queues, addresses, stopping: end, onRefused: () => {} })
      return mediaBridge({
        execute,
        post,
        watchUrl: 'http://videos.example/watch?v=',
        untilShown: (job) => untilShown(shop.db, job),
      })
    })

  /** Asks for so many videos to be processed. */
  async function ask(count: number, but: Parameters<typeof mediaRequested>[0] = {}) {
    const jobs = Array.from({ length: count }, () => ({ videoId: newVideo(), jobId: nextJob++ }))
    await shop.record(
      ...jobs.map(({ videoId, jobId }) => videoAdded({ videoId, id: 100 + jobId })),
      ...jobs.map((job) => mediaRequested({ ...job, ...but })),
    )
    return jobs
  }
  const behind = (consumer = 'media-bridge', topic = 'vidwiz.media') => eventsBehind(shop, consumer, topic)
  const settled = () => eventually(async () => expect(await behind()).to.equal(0), { withinMs: 30_000 })
  const taken = () => server.take(server.env.SQS_TRANSCRIPTION_QUEUE_URL)
  const jobsTaken = async () => (await taken()).map(({ job_id }) => job_id as number).sort((a, b) => a - b)
  const idsOf = (jobs: { jobId: number }[]) => jobs.map(({ jobId }) => jobId)
  const dispatched = async () =>
    (
      await shop.db.query<{ job: number }>(
        't.dispatched',
        `select (data ->> 'jobId')::int as job from log.events where type = 'MediaProcessingDispatched' order by 1`,
      )
    ).map(({ job }) => job)

  it('waits for a door that is open to show a job before it sends the message', async () => {
    await shop.db.query('t.open', `insert into log.door (database, was_public) values ('a door', true)`)
    const [job] = await ask(1)
    run()
    try {
      await sleep(300)
      expect(await jobsTaken()).to.deep.equal([])
      const shows = JSON.stringify({ [job!.videoId]: job!.jobId })
      await shop.db.query('t.show', 'update log.door set shows = $1', [shows])
      await settled()
      expect(await jobsTaken()).to.deep.equal(idsOf([job!]))
    } finally {
      await shop.db.query('t.close', 'delete from log.door')
    }
  })

  it('sends each job once, as both kinds of worker read it, and records that', async () => {
    const jobs = await ask(25)
    run()
    await settled()
    const messages = (await taken()).sort((a, b) => a.job_id - b.job_id)
    expect(idsOf(messages.map(({ job_id }) => ({ jobId: job_id })))).to.deep.equal(idsOf(jobs))
    const [{ videoId, jobId }] = jobs as [(typeof jobs)[number]]
    expect(messages[0]).to.include({
      video_id: 100 + jobId,
      url: `http://videos.example/watch?v=${videoId}`,
      user_id: EMAIL,
      job_id: jobId,
      youtube_id: videoId,
      attempt: 1,
    })
    expect(await dispatched()).to.deep.equal(idsOf(jobs))
  })

  it('lets no address into the events of a job (P9)', async () => {
    await ask(1)
    run()
    await settled()
    const found = await shop.db.query(
      't.leak',
      `select from log.events where topic = 'vidwiz.media' and data::text like '%' || $1 || '%'`,
      [EMAIL],
    )
    expect(found).to.have.lengthOf(0)
  })

  it('sends what nobody asked for as from nobody, and what somebody asked who has no account any more', async () => {
    await ask(1, { userId: null })
    await ask(1, { userId: 99 })
    run()
    await settled()
    expect((await taken()).map(({ user_id }) => user_id)).to.deep.equal(Array(2).fill('fallback@vidwiz.invalid'))
  })

  it('sends nothing again when it begins from nothing (P7)', async () => {
    const jobs = await ask(15)
    const first = run()
    await settled()
    await first.stop()
    expect(await jobsTaken()).to.deep.equal(idsOf(jobs))
    await shop.db.query('t.forget', `delete from log.checkpoints where consumer = 'media-bridge'`)
    const before = proxy.requests.length
    run()
    await settled()
    expect([proxy.requests.length - before, await jobsTaken()]).to.deep.equal([0, []])
    expect(await dispatched()).to.deep.equal(idsOf(jobs))
  })

  it('sends no job that has ended or that a worker has, nor an older message of one', async () => {
    const [ended, begun, again, due] = (await ask(4)) as [Job, Job, Job, Job]
    await shop.record(
      mediaFailed(ended),
      mediaStarted(begun),
      mediaRequested({ ...again, attempt: 2 }),
      hearingAwaited({ videoId: newVideo() }),
    )
    run()
    await settled()
    const messages = (await taken()).map(({ job_id, attempt }) => ({ job_id, attempt })).sort((a, b) => a.job_id - b.job_id)
    expect(messages).to.deep.equal([
      { job_id: again.jobId, attempt: 2 },
      { job_id: due.jobId, attempt: 1 },
    ])
  })

  it('sends everything, each recorded once, when SQS is away for a while', async () => {
    const jobs = await ask(15)
    proxy.fate = () => 'reset'
    run()
    await eventually(() => expect(errors.length).to.be.at.least(1), { withinMs: 20_000 })
    expect(errors[0]!.message).to.match(/^the queue media \(SQS_TRANSCRIPTION_QUEUE_URL\) did not take \d+ messages: /)
    proxy.fate = undefined
    await settled()
    expect(await jobsTaken()).to.deep.equal(idsOf(jobs))
    expect([await dispatched(), parked]).to.deep.equal([idsOf(jobs), []])
  })

  it('parks a job that its queue refuses for good, and no other; it is sent when it is redriven (P8)', async () => {
    const [bad, ...good] = await ask(4)
    proxy.fate = () => ({
      refuse: (body) => JSON.parse(body).job_id === bad!.jobId,
      code: 'InvalidParameterValue',
      isSendersFault: true,
    })
    run()
    await settled()
    expect(await jobsTaken()).to.deep.equal(idsOf(good))
    const stream = `media-${bad!.videoId}`
    expect(parked.map((one) => one.stream)).to.deep.equal([stream])
    proxy.fate = undefined
    await askToRedrive(shop.db, 'media-bridge', stream)
    await eventually(async () => expect(await parkedOf(shop.db, 'media-bridge', stream)).to.deep.equal({ due: 0, parked: 0 }))
    expect(await jobsTaken()).to.deep.equal([bad!.jobId])
  })

  it('holds up no note while the queue of media is in trouble, nor does a queue of notes hold up a job', async () => {
    const notes = {
      'ai-notes': { url: server.env.SQS_AI_NOTE_QUEUE_URL, setting: 'SQS_AI_NOTE_QUEUE_URL' },
      summaries: { url: server.env.SQS_SUMMARY_QUEUE_URL, setting: 'SQS_SUMMARY_QUEUE_URL' },
    }
    const note = (noteId: number) =>
      shop.record(noteCreated({ noteId, text: null }), aiNoteRequested({ noteId, request: `note-${noteId}`, attempt: 1 }))
    run()
    runAs((execute, end) => {
      const post = openPost({ queues, addresses: notes, stopping: end, onRefused: () => {} })
      return sqsBridge({ execute, changedSince: (seen) => changedSince(shop.db, seen), post })
    })
    const noteTaken = () => server.take(server.env.SQS_AI_NOTE_QUEUE_URL)

    proxy.fate = (_, url) => (url.endsWith('/media') ? 'reset' : undefined)
    const [waits] = await ask(1)
    await note(1)
    await eventually(async () => expect(await behind('sqs-bridge', 'vidwiz.ai')).to.equal(0))
    expect((await noteTaken()).map(({ id }) => id)).to.deep.equal([1])
    expect(await jobsTaken()).to.deep.equal([])

    proxy.fate = (_, url) => (url.endsWith('/ai-notes') ? 'reset' : undefined)
    await note(2)
    await settled()
    expect(await jobsTaken()).to.deep.equal([waits!.jobId])
    expect(await noteTaken()).to.deep.equal([])
  })
})

type Job = { videoId: string; jobId: number }
