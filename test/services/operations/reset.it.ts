import { expect } from 'chai'
import { catalog, deciders } from '#events/catalog.ts'
import { createNote } from '#events/note.ts'
import { usualPolicy } from '#events/task.ts'
import { topics } from '#events/topics.ts'
import { readSettings } from '#platform/config/settings.ts'
import { executor } from '#platform/log/commands/executor.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { changedSince } from '#platform/log/postgres/versions.ts'
import { openQueues } from '#platform/sqs/open.ts'
import type { Queues } from '#platform/sqs/queues.ts'
import { fetchScheduler } from '#services/fetch-scheduler/reactor.ts'
import { openPost } from '#services/kit/post.ts'
import { operate } from '#services/operations/operation.ts'
import { previewReset, reset, resetAct, resetAsShown, resetText } from '#services/operations/reset.ts'
import { sqsBridge } from '#services/sqs-bridge/bridge.ts'
import { bridges, eventsBehind } from '#test/kit/bridges.ts'
import { eventually } from '#test/kit/eventually.ts'
import { aiNoteRequested, noteCreated } from '#test/kit/histories.ts'
import { startQueues, type TestQueues } from '#test/kit/queues.ts'
import { type Workshop, workshop } from '#test/projections/workshop.ts'
import { newVideo } from '../api/routes/kit.ts'

const CONTEXT = { actor: null, correlationId: null }

describe('a reset of a consumer', function () {
  this.timeout(60_000)
  let shop: Workshop
  let server: TestQueues
  let queues: Queues
  const { run, stop } = bridges()
  before(async () => {
    server = await startQueues()
    queues = await openQueues(readSettings(server.env))
  })
  beforeEach(async () => {
    shop = await workshop()
  })
  afterEach(async () => {
    await stop()
    await shop.close()
  })
  after(async () => {
    queues?.close()
    await server?.stop()
  })

  /** Ids of the events that a reactor was given to handle. */
  const handled: string[] = []
  const scheduler = () => {
    const reactor = fetchScheduler(usualPolicy)
    return run(shop, () => ({
      ...reactor,
      causes(events) {
        handled.push(...events.map(({ id }) => id))
        return reactor.causes(events)
      },
    }))
  }
  const bridge = () =>
    run(shop, (execute, stopping) => {
      const addresses = {
        'ai-notes': { url: server.env.SQS_AI_NOTE_QUEUE_URL, setting: 'SQS_AI_NOTE_QUEUE_URL' },
        summaries: { url: server.env.SQS_SUMMARY_QUEUE_URL, setting: 'SQS_SUMMARY_QUEUE_URL' },
      }
      const post = openPost({ queues, addresses, stopping, onRefused: () => {} })
      return sqsBridge({ execute, changedSince: (seen) => changedSince(shop.db, seen), post })
    })
  const take = async (...videos: string[]) => {
    const { execute, idle } = executor({ appender: appender(shop.db), catalog, deciders, topics })
    for (const videoId of videos) await execute(createNote({ userId: 1, videoId, timestamp: '0:01', text: null }), CONTEXT)
    await idle()
  }
  const settled = (consumer: string, topic: string) =>
    eventually(async () => expect(await eventsBehind(shop, consumer, topic)).to.equal(0), { withinMs: 30_000 })
  const size = async () => {
    const [log] = await shop.db.query<{ events: number }>('t.size', 'select count(*) as events from log.events')
    return log!.events
  }
  const epochs = () =>
    shop.db.query<{ epoch: number }>(
      't.epochs',
      `select epoch from log.checkpoints where consumer = 'fetch-scheduler' order by 1`,
    )

  it('has a reactor that runs handle its events again, and nothing is asked for twice (P7)', async () => {
    scheduler()
    await take(newVideo(), newVideo(), newVideo())
    await settled('fetch-scheduler', 'vidwiz.notes')
    const before = await size()
    const first = handled.splice(0).sort()
    expect(first).to.have.length(3)

    const preview = await previewReset(shop.db, 'fetch-scheduler', 0)
    expect(preview).to.include({ kind: 'reactor', again: 3, never: 0, letters: 0 })
    expect(preview.topics.find(({ topic }) => topic === 'vidwiz.notes')!.types).to.deep.equal([
      { type: 'NoteCreated', events: 3 },
    ])
    expect(await size(), 'a preview changes nothing').to.equal(before)
    expect(handled).to.deep.equal([])

    await reset(shop.db, 'fetch-scheduler', 0)
    await eventually(() => expect([...new Set(handled)].sort()).to.deep.equal(first), { withinMs: 30_000 })
    await settled('fetch-scheduler', 'vidwiz.notes')
    expect(await size(), 'nothing was asked for twice').to.equal(before)
    // It goes on with what comes.
    await take(newVideo())
    await settled('fetch-scheduler', 'vidwiz.notes')
    await eventually(async () =>
      expect(await size(), 'a fourth video has as many events as each of the three').to.equal((before * 4) / 3),
    )
  })

  it('has a bridge send nothing that was sent (P7)', async () => {
    bridge()
    const notes = [1, 2, 3, 4]
    const of = (noteId: number) => ({ noteId, videoId: `video${String(noteId).padStart(6, '0')}`, timestamp: '1:23' })
    await shop.record(
      ...notes.map((noteId) => noteCreated({ ...of(noteId), text: null })),
      ...notes.map((noteId) => aiNoteRequested({ ...of(noteId), request: `note-${noteId}`, attempt: 1 })),
    )
    await settled('sqs-bridge', 'vidwiz.ai')
    const sent = async () => (await server.take(server.env.SQS_AI_NOTE_QUEUE_URL)).map(({ id }) => id as number).sort()
    expect(await sent()).to.deep.equal(notes)
    const before = await size()
    // Another process than the one that remembers what it sent.
    await stop()
    const preview = await previewReset(shop.db, 'sqs-bridge', 0)
    expect(preview).to.include({ kind: 'bridge', never: 0 })
    expect(preview.again).to.be.at.least(4)
    await reset(shop.db, 'sqs-bridge', 0)
    expect(await eventsBehind(shop, 'sqs-bridge', 'vidwiz.ai')).to.equal(preview.again)
    bridge()
    await settled('sqs-bridge', 'vidwiz.ai')
    expect(await sent()).to.deep.equal([])
    expect(await size()).to.equal(before)
  })

  it('fences whoever owns its partitions, is recorded, and takes what was parked beyond with it', async () => {
    const running = scheduler()
    await take(newVideo())
    await settled('fetch-scheduler', 'vidwiz.notes')
    await running.stop()
    const before = await epochs()
    await shop.db.query(
      't.park',
      `insert into log.dead_letters (consumer, topic, partition, stream, pos, event, state, cause)
       values ('fetch-scheduler', 'vidwiz.notes', 0, 'note-1', 1, '{}', 'failed', 'boom')`,
    )
    const { execute, idle } = executor({ appender: appender(shop.db), catalog, deciders, topics })
    const preview = await previewReset(shop.db, 'fetch-scheduler', 0)
    expect(preview.letters).to.equal(1)
    expect(resetText(preview)).to.include('1 parked or skipped event beyond it come again')
    await operate(execute, { name: 'ada', via: 'cli' }, resetAct(preview, "it's mended"), () => resetAsShown(shop.db, preview))
    await idle()
    expect((await epochs()).map(({ epoch }) => epoch)).to.deep.equal(before.map(({ epoch }) => epoch + 1))
    expect(await shop.db.query('t.letters', 'select 1 from log.dead_letters')).to.deep.equal([])
    const [started, ended] = await shop.db.query<{ data: Record<string, string> }>(
      't.recorded',
      `select data from log.events where topic = 'vidwiz.ops' order by pos`,
    )
    const said = (row: unknown) => (typeof row === 'string' ? JSON.parse(row) : row) as Record<string, string>
    expect(said(started!.data)).to.include({ act: 'reset', target: 'fetch-scheduler', reason: "it's mended" })
    expect(said(ended!.data).summary).to.match(/continues after 0: 1 event handled again, 0 events never$/)
  })

  it('forward says how many events would never be handled, and then they are not', async () => {
    const running = scheduler()
    await take(newVideo())
    await settled('fetch-scheduler', 'vidwiz.notes')
    await running.stop()
    const videos = [newVideo(), newVideo()]
    await take(...videos)
    const [head] = await shop.db.query<{ pos: number }>('t.head', 'select max(pos) as pos from log.events')
    const preview = await previewReset(shop.db, 'fetch-scheduler', head!.pos)
    expect(preview).to.include({ again: 0 })
    // Of the partitions that it has a checkpoint of; it has one of each that it was dealt.
    expect(preview.never).to.equal(2)
    expect(resetText(preview)).to.include('2 events that it has not reached would NEVER be handled')
    await reset(shop.db, 'fetch-scheduler', head!.pos)
    handled.length = 0
    scheduler()
    await take(newVideo())
    await eventually(() => expect(handled).to.have.length.at.least(1))
    await settled('fetch-scheduler', 'vidwiz.notes')
    const beforeIt = await shop.db.query<{ id: string }>('t.ids', 'select id from log.events where pos <= $1', [head!.pos])
    expect(handled).to.not.include.any.members(beforeIt.map(({ id }) => id))
  })

  it('of a view, or of what nobody knows, is refused with what to do instead', async () => {
    for (const [name, words] of [
      ['notes', /a view is not reset but rebuilt from the beginning \(npx vidwiz rebuild notes\)/],
      ['nonsense', /there is no consumer nonsense that can be reset; there are fetch-scheduler, /],
      ['summaries', /summaries has not run here yet/],
    ] as const)
      expect(String(await previewReset(shop.db, name, 0).catch((error) => error))).to.match(words)
  })
})
