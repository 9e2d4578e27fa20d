import { expect } from 'chai'
import { catalog, deciders } from '#events/catalog.ts'
import { startConversation } from '#events/conversation.ts'
import { createNote } from '#events/note.ts'
import { usualPolicy } from '#events/task.ts'
import { topics } from '#events/topics.ts'
import { storeMetadata, storeSummary } from '#events/video.ts'
import { type Execute, executor } from '#platform/log/commands/executor.ts'
import type { Reader } from '#platform/log/port.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { startReactor } from '#platform/log/reactor/start.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { rebuild } from '#projections/engine/rebuild.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { views } from '#projections/index.ts'
import { fetchScheduler } from '#services/fetch-scheduler/reactor.ts'
import { eventually } from '#test/kit/eventually.ts'
import { testLog, testReader } from '#test/kit/log.ts'
import { freshDatabase } from '#test/kit/postgres.ts'
import { newVideo } from '../api/routes/kit.ts'

const CONTEXT = { actor: null, correlationId: null }
const FROM = ['vidwiz.notes', 'vidwiz.conversations']

describe('the fetch-scheduler', () => {
  const closing: (() => Promise<unknown>)[] = []
  let db: Db
  let listener: Listener
  let reader: Reader
  let execute: Execute
  beforeEach(async () => {
    const database = await freshDatabase()
    const log = await testLog(database.url)
    db = openDb(database.url)
    listener = openListener(database.url)
    reader = await testReader(database.url, db, listener)
    ;({ execute } = executor({ appender: appender(db), catalog, deciders, topics }))
    closing.push(database.drop, log.close, db.close, listener.close, () => reader.close())
  })
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  const run = () => startReactor(fetchScheduler(usualPolicy), { db, reader, listener, catalog, deciders, topics })
  const take = (videoId: string) => execute(createNote({ userId: 1, videoId, timestamp: '0:01', text: null }), CONTEXT)
  /** Waits until the scheduler has seen all there is. */
  const settled = () =>
    eventually(async () => {
      const [left] = await db.query<{ left: number }>(
        't.left',
        `select count(*) as left from log.events e left join log.checkpoints c
            on c.consumer = 'fetch-scheduler' and c.topic = e.topic and c.partition = e.partition
          where e.topic = any ($1) and e.pos > coalesce(c.pos, 0)`,
        [FROM],
      )
      expect(left!.left).to.equal(0)
    })
  const scheduled = async (videoId: string) =>
    (
      await db.query<{ kind: string }>(
        't.kinds',
        `select data ->> 'kind' as kind from log.events where type = 'TaskScheduled' and key = $1 order by 1`,
        [videoId],
      )
    ).map(({ kind }) => kind)
  const BOTH = ['metadata', 'transcript']

  it('has a video looked into on which somebody takes a note or starts a conversation', async () => {
    const scheduler = run()
    const [noted, asked, neither] = [newVideo(), newVideo(), newVideo()]
    await take(noted)
    await execute(startConversation({ viewer: 'user-1', videoId: asked }), CONTEXT)
    // What workers say of a video has nobody look into it.
    await execute(storeSummary({ videoId: neither, summary: 's' }), CONTEXT)
    await settled()
    expect([await scheduled(noted), await scheduled(asked), await scheduled(neither)]).to.deep.equal([BOTH, BOTH, []])
    await scheduler.stop()
  })

  it('asks only for what is not known', async () => {
    const scheduler = run()
    const [known, empty] = [newVideo(), newVideo()]
    await execute(storeMetadata({ videoId: known, metadata: '{"duration":1}' }), CONTEXT)
    await execute(storeMetadata({ videoId: empty, metadata: '{}' }), CONTEXT)
    await take(known)
    await take(empty)
    await settled()
    expect([await scheduled(known), await scheduled(empty)]).to.deep.equal([['transcript'], BOTH])
    await scheduler.stop()
  })

  it('schedules one task of a kind for ten notes and conversations at once, however many of it run', async () => {
    const schedulers = [run(), run(), run()]
    const videos = Array.from({ length: 5 }, newVideo)
    await Promise.all(
      videos.flatMap((videoId) => [
        ...Array.from({ length: 10 }, () => take(videoId)),
        ...Array.from({ length: 3 }, () => execute(startConversation({ viewer: 'user-1', videoId }), CONTEXT)),
      ]),
    )
    await settled()
    for (const videoId of videos) expect(await scheduled(videoId)).to.deep.equal(BOTH)
    for (const scheduler of schedulers) await scheduler.stop()
  })

  it('does nothing again when history is replayed: neither when views are rebuilt nor when it begins from nothing (P7)', async () => {
    await setupViews(views, { db, reader })
    let scheduler = run()
    const videos = Array.from({ length: 5 }, newVideo)
    for (const videoId of videos) await take(videoId)
    await settled()
    const before = (await db.query('t.all', 'select pos, type from log.events order by pos')).length
    for (const view of views) await rebuild(view, { db, reader })
    await scheduler.stop()
    await db.query('t.forget', `delete from log.checkpoints where consumer = 'fetch-scheduler'`)
    scheduler = run()
    await settled()
    await scheduler.stop()
    expect((await db.query('t.all', 'select pos, type from log.events order by pos')).length).to.equal(before)
  })

  it('writes its events as caused by the note, for the same request', async () => {
    const scheduler = run()
    const videoId = newVideo()
    await execute(createNote({ userId: 1, videoId, timestamp: '0:01', text: null }), {
      actor: 'user-1',
      correlationId: 'request-1',
      traceparent: '00-1-2-01',
    })
    await settled()
    const caused = await db.query(
      't.caused',
      `select t.actor, t.correlation_id, t.traceparent, n.type from log.events t join log.events n on n.id::text = t.causation_id
        where t.key = $1 and t.type = 'TaskScheduled'`,
      [videoId],
    )
    const one = { actor: 'fetch-scheduler', correlation_id: 'request-1', traceparent: '00-1-2-01', type: 'NoteCreated' }
    expect(caused).to.deep.equal([one, one])
    await scheduler.stop()
  })
})
