import { expect } from 'chai'
import { catalog, deciders } from '#events/catalog.ts'
import type { Command } from '#events/kit/command.ts'
import { awaitHearing, recordMediaDispatch, requestStudy, startMedia } from '#events/media.ts'
import { topics } from '#events/topics.ts'
import { storeTranscript } from '#events/video.ts'
import { readSettings } from '#platform/config/settings.ts'
import { executor } from '#platform/log/commands/executor.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { openQueues } from '#platform/sqs/open.ts'
import type { Queues } from '#platform/sqs/queues.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import { rebuild } from '#projections/engine/rebuild.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { mediaView } from '#projections/media.ts'
import { askAgain, beginHearings, type Sweep } from '#services/media-scheduler/sweeps.ts'
import { eventually } from '#test/kit/eventually.ts'
import { videoAdded } from '#test/kit/histories.ts'
import { startQueues, type TestQueues } from '#test/kit/queues.ts'
import { type Workshop, workshop } from '#test/projections/workshop.ts'
import { newVideo } from '../api/routes/kit.ts'

const SILENCE_MS = 400
const CONTEXT = { actor: null, correlationId: null }

describe('what the media scheduler looks after', function () {
  this.timeout(60_000)
  let server: TestQueues
  let queues: Queues
  let shop: Workshop
  let execute: ReturnType<typeof executor>['execute']
  const lines: string[] = []
  const say = (fields: object | string, text = '') => void lines.push(typeof fields === 'string' ? fields : text)
  const log = { info: say, warn: say } as unknown as Logger
  const sweeps: Sweep[] = []
  let looks = 0

  before(async () => {
    server = await startQueues()
    queues = await openQueues(readSettings(server.env))
  })
  after(async () => {
    queues.close()
    await server.stop()
  })
  beforeEach(async () => {
    shop = await workshop()
    ;({ execute } = executor({ appender: appender(shop.db), catalog, deciders, topics }))
    await setupViews([mediaView], { db: shop.db, reader: shop.reader })
  })
  afterEach(async () => {
    for (const sweep of sweeps.splice(0)) await sweep.stop()
    await shop.close()
    await server.take(server.env.SQS_TRANSCRIPTION_QUEUE_URL)
    lines.length = 0
    looks = 0
  })

  const ground = () => ({ db: shop.db, execute, log })
  const begins = (perDay: number) => sweeps.push(beginHearings(ground(), perDay))
  const asks = (attributes: Queues['attributes'] = queues.attributes) => {
    const counted = async (url: string) => {
      const found = await attributes(url).finally(() => looks++)
      return found
    }
    const url = server.env.SQS_TRANSCRIPTION_QUEUE_URL
    sweeps.push(askAgain(ground(), { queues: { attributes: counted }, url, silenceMs: SILENCE_MS }))
  }
  /** Has the view know all there is. */
  const seen = () => rebuild(mediaView, { db: shop.db, reader: shop.reader })
  const all = async <R>(...commands: Command<R>[]) => {
    for (const command of commands) await execute(command, CONTEXT)
    await seen()
  }
  const videos = async (count: number) => {
    const ids = Array.from({ length: count }, newVideo)
    await shop.record(...ids.map((videoId, i) => videoAdded({ videoId, id: i + 1 })))
    return ids
  }
  const events = async (videoId: string) =>
    (
      await shop.db.query<{ type: string }>('t.events', 'select type from log.events where stream = $1 order by version', [
        `media-${videoId}`,
      ])
    ).map(({ type }) => type)
  /** A job whose message the queue has been told of. */
  async function sent() {
    const [videoId] = (await videos(1)) as [string]
    const { result } = await execute(requestStudy({ videoId, userId: 1, quota: 9 }), CONTEXT)
    await all(recordMediaDispatch({ videoId, jobId: result.jobId, attempt: 1, messageId: 'm' }))
    return { videoId, jobId: result.jobId }
  }
  const ASKED = ['MediaProcessingRequested', 'MediaProcessingDispatched']

  it('begins the hearings that wait longest, as many as the day allows, and says once that the others wait', async () => {
    const ids = await videos(4)
    await all(...ids.map((videoId) => awaitHearing({ videoId })))
    begins(3)
    begins(3)
    await eventually(() => expect(lines.length).to.equal(2))
    expect(lines).to.deep.equal(
      Array(2).fill('the other videos wait: as many videos were heard today as MEDIA_FALLBACK_DAILY allows (3)'),
    )
    const begun = await Promise.all(ids.map(events))
    const HEARD = ['HearingAwaited', 'MediaProcessingRequested']
    expect(begun).to.deep.equal([HEARD, HEARD, HEARD, ['HearingAwaited']])
  })

  it('hears no video that has a transcript by now', async () => {
    const [videoId] = (await videos(1)) as [string]
    await execute(awaitHearing({ videoId }), CONTEXT)
    const transcript = { s3Key: 't', rows: 1, sizeBytes: 1, sha256: 'a' }
    await all(storeTranscript({ videoId, transcript }))
    begins(3)
    await eventually(async () => expect(await events(videoId)).to.deep.equal(['HearingAwaited', 'HearingWithdrawn']))
  })

  it('has a job sent again whose message is gone, and says so', async () => {
    const { videoId } = await sent()
    asks()
    await eventually(async () => expect(await events(videoId)).to.deep.equal([...ASKED, 'MediaProcessingRequested']))
    expect(lines).to.include('media jobs have sent no report for too long')
  })

  it('leaves a job alone that waits for its turn, but not one that a worker began and dropped', async () => {
    const waits = await sent()
    const dropped = await sent()
    await all(startMedia(dropped))
    await queues.sendBatch(server.env.SQS_TRANSCRIPTION_QUEUE_URL, [{ id: '1', body: '{}' }])
    asks()
    const again = [...ASKED, 'MediaProcessingStarted', 'MediaProcessingRequested']
    await eventually(async () => expect(await events(dropped.videoId)).to.deep.equal(again))
    // The view tells of both until the end: the one that waits is looked at again and again.
    const before = looks
    await eventually(() => expect(looks).to.be.at.least(before + 3))
    expect(await events(waits.videoId)).to.deep.equal(ASKED)
  })

  it('asks for nothing again while SQS cannot be reached', async () => {
    const { videoId, jobId } = await sent()
    await all(startMedia({ videoId, jobId }))
    asks(() => Promise.reject(new Error('SQS is away')))
    await eventually(() => expect(looks).to.be.at.least(5))
    expect(await events(videoId)).to.deep.equal([...ASKED, 'MediaProcessingStarted'])
    expect(lines).to.deep.equal(['paused'])
  })
})
