import { expect } from 'chai'
import { readSettings } from '#platform/config/settings.ts'
import { letters, skip } from '#platform/log/consumers/letters.ts'
import { applier } from '#projections/engine/apply.ts'
import { compare, isClean } from '#projections/engine/compare.ts'
import { foldPast } from '#projections/engine/past.ts'
import { Cancelled, type Progress } from '#projections/engine/progress.ts'
import { rebuild } from '#projections/engine/rebuild.ts'
import { redrive } from '#projections/engine/redrive.ts'
import { ReplayStopped } from '#projections/engine/replay-stopped.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { liveOf } from '#projections/engine/table.ts'
import type { Threads } from '#projections/engine/threads/threads.ts'
import { rebuildTogether } from '#projections/engine/together.ts'
import type { View } from '#projections/engine/view.ts'
import { views } from '#projections/index.ts'
import { notesView } from '#projections/notes.ts'
import { userVideosView } from '#projections/user-videos.ts'
import { replayThreads } from '#services/kit/replay-threads.ts'
import { messageSent, noteCreated, noteDeleted, noteEdited, replyCompleted } from '#test/kit/histories.ts'
import { type Workshop, workshop } from '../workshop.ts'

const NOTES = 2_000
const VIDEOS = 40
const ids = Array.from({ length: NOTES }, (_, i) => i + 1)
const of = (noteId: number) => ({ noteId, videoId: `video${String(noteId % VIDEOS).padStart(6, '0')}` })
const history = [
  ...ids.map((noteId) => noteCreated({ ...of(noteId), text: `tab\t line\n back\\slash \u{1f600} ${'x'.repeat(noteId % 300)}` })),
  ...ids.map((noteId) => noteEdited({ ...of(noteId), text: `edited ${noteId}` })),
  ...ids.filter((noteId) => noteId % 7 === 0).map((noteId) => noteDeleted(of(noteId))),
  ...ids
    .slice(0, 50)
    .flatMap((n) => [
      messageSent({ conversationId: n, messageId: 2 * n }),
      replyCompleted({ conversationId: n, messageId: 2 * n + 1, replyTo: 2 * n }),
    ]),
]

describe('a replay in threads', function () {
  this.timeout(90_000)
  let shop: Workshop
  let started: number
  let ended: number
  /** Threads that are worth it for any history. */
  const threads = (count: number): Threads => {
    const { start, ...rest } = replayThreads(readSettings({ ...shop.env, REPLAY_THREADS: String(count) }), 0)!
    return {
      ...rest,
      start(part) {
        started++
        return start(part).once('exit', () => ended++)
      },
    }
  }
  beforeEach(async () => {
    shop = await workshop()
    started = ended = 0
  })
  afterEach(async () => {
    expect(ended).to.equal(started)
    await shop.close()
  })

  const next = () =>
    shop.db.query(
      'next',
      `select relname from pg_class where relname like '%~next%'
        union all select consumer from log.checkpoints where consumer like '%~next'`,
    )
  const sessions = () =>
    shop.db.query(
      'sessions',
      `select from pg_stat_activity where application_name like 'vidwiz replay%' and datname = current_database()`,
    )

  it('gives the rows that one thread gives, for every view of a topic, however many threads there are (P6)', async () => {
    await shop.record(...history)
    await setupViews(views, shop)
    const expected = new Map<string, unknown>()
    for (const view of views) expected.set(view.name, await shop.rows(view))
    for (const count of [2, 3]) {
      const before = started
      const rebuilding = rebuildTogether(views, { ...shop, threads: threads(count) }, (view, shared) =>
        rebuild(view, { ...shop, ...shared }),
      )
      for await (const ofTopic of rebuilding)
        for (const { outcome } of ofTopic) expect(outcome.status === 'rejected' && outcome.reason).to.equal(false)
      expect(started - before).to.be.at.least(count)
      for (const view of views) expect(await shop.rows(view), view.name).to.deep.equal(expected.get(view.name))
    }
  })

  it('counts the events, and compares and folds the past as one thread does', async () => {
    await shop.record(...history)
    await setupViews([notesView], shop)
    const seen: Progress[] = []
    const done = await rebuild(notesView, { ...shop, threads: threads(2), onProgress: (progress) => seen.push(progress) })
    const events = history.filter(({ topic }) => topic === notesView.topic.name).length
    expect(done).to.deep.include({ events, rows: NOTES - Math.floor(NOTES / 7) })
    expect(seen.at(-1)).to.deep.include({ phase: 'done', events, total: events })
    expect(isClean(await compare(notesView, { ...shop, threads: threads(2) }))).to.equal(true)
    expect(await foldPast(notesView, { ...shop, threads: threads(2), id: 'a', pos: NOTES })).to.deep.include({ rows: NOTES })
    expect(started).to.equal(6)
  })

  it('leaves out what is parked and what was skipped, and parks again what it did not fold', async () => {
    const touchy: View = {
      ...notesView,
      evolve(row, event) {
        if (event.data.text === 'bad') throw new Error('cannot stand it')
        return notesView.evolve(row, event)
      },
    }
    await setupViews([notesView], shop)
    const own = applier(shop.db, liveOf(touchy))
    await own.resume(Array.from({ length: notesView.topic.partitions }, (_, partition) => partition))
    const many = ids.slice(0, 50).map((noteId) => noteCreated(of(noteId)))
    await own.handle(await shop.record(...many, noteEdited({ ...of(1), text: 'bad' }), noteEdited({ ...of(2), text: 'nul\0' })))
    const [mistake, later] = await shop.record(
      noteEdited({ ...of(3), text: 'bad' }),
      noteEdited({ ...of(3), generatedByAi: true }),
    )
    await own.handle([mistake!, later!])
    expect(await skip(shop.db, notesView.name, 'note-3', mistake!.pos, 'it was a mistake')).to.equal(true)
    await redrive(shop.db, notesView, 'note-3')
    await shop.record(noteEdited({ ...of(1), text: 'good' }), noteEdited({ ...of(2), generatedByAi: true }))

    expect(await rebuild(notesView, { ...shop, threads: threads(2) })).to.deep.include({ redriven: 2, parked: 2 })
    expect((await shop.rows(notesView)).slice(0, 3).map((row) => [row.text, row.generated_by_ai])).to.deep.equal([
      ['good', false],
      ['mine', false],
      ['mine', true],
    ])
    expect((await letters(shop.db)).map(({ stream, event, state }) => [stream, event.version, state])).to.deep.equal([
      ['note-2', 2, 'failed'],
      ['note-3', 2, 'skipped'],
      ['note-2', 3, 'waiting'],
    ])
    expect(isClean(await compare(notesView, { ...shop, threads: threads(2) }))).to.equal(true)
    expect(started).to.equal(4)
  })

  it('stops at an event that a thread cannot apply, names it, and leaves nothing behind', async () => {
    await shop.record(...history)
    await setupViews([notesView], shop)
    const rows = await shop.rows(notesView)
    await shop.record({ ...noteEdited(of(11)), data: { noteId: 11 } })
    const error = await rebuild(notesView, { ...shop, threads: threads(2) }).catch((caught) => caught)
    expect(error).to.be.instanceOf(ReplayStopped)
    expect(error.message).to.match(/^view notes cannot apply NoteEdited \(note-11@3, position \d+\): .*videoId/s)
    expect(await shop.rows(notesView)).to.deep.equal(rows)
    expect(await next()).to.deep.equal([])
  })

  it('stops at a row that the database refuses, also while other views of the topic go on', async () => {
    await shop.record(...history)
    await setupViews([notesView, userVideosView], shop)
    await shop.record(noteEdited({ ...of(11), text: 'nul\0' }))
    const outcomes = new Map<View, PromiseSettledResult<unknown>>()
    const some = [notesView, userVideosView]
    for await (const ofTopic of rebuildTogether(some, { ...shop, threads: threads(2) }, (view, shared) =>
      rebuild(view, { ...shop, ...shared }),
    ))
      for (const { view, outcome } of ofTopic) outcomes.set(view, outcome)
    const refused = outcomes.get(notesView)
    expect(refused?.status === 'rejected' && refused.reason).to.be.instanceOf(ReplayStopped)
    expect(outcomes.get(userVideosView)).to.deep.include({ status: 'fulfilled' })
    expect(await next()).to.deep.equal([])
    expect(isClean(await compare(userVideosView, shop))).to.equal(true)
  })

  it('ends with its threads when it is cancelled, and leaves nothing behind', async () => {
    await shop.record(...history)
    await setupViews([notesView], shop)
    const rows = await shop.rows(notesView)
    const ending = new AbortController()
    const onProgress = ({ events }: Progress) => {
      if (events > 0) ending.abort()
    }
    const error = await rebuild(notesView, { ...shop, threads: threads(3), onProgress, signal: ending.signal }).catch(
      (caught) => caught,
    )
    expect(error).to.be.instanceOf(Cancelled)
    expect(ended).to.equal(3)
    expect(await shop.rows(notesView)).to.deep.equal(rows)
    expect(await next()).to.deep.equal([])
  })

  it('fails when a thread ends too early, or cannot read, and leaves nothing behind', async () => {
    await shop.record(...history)
    await setupViews([notesView], shop)
    const two = threads(2)
    const dying: Threads = {
      ...two,
      start(part) {
        const worker = two.start(part)
        worker.once('message', () => worker.terminate())
        return worker
      },
    }
    const error = await rebuild(notesView, { ...shop, threads: dying }).catch((caught) => caught)
    expect(error.message).to.equal('a thread of the replay ended before it was done')
    const unreachable = replayThreads(readSettings({ DB_URL: 'postgres://nobody@127.0.0.1:1/none', REPLAY_THREADS: '2' }), 0)!
    const lost = await rebuild(notesView, { ...shop, threads: unreachable }).catch((caught) => caught)
    expect(lost.name).to.equal('ConnectionLost')
    expect(await next()).to.deep.equal([])
    await rebuild(notesView, shop)
  })

  it('does not start them for a view that they do not know, nor for a short history', async () => {
    await shop.record(...history.slice(0, 100))
    const other: View = { ...notesView }
    await setupViews([other], { ...shop, threads: threads(2) })
    await rebuild(notesView, { ...shop, threads: { ...threads(2), worthFrom: 101 } })
    expect(started).to.equal(0)
    await rebuild(notesView, { ...shop, threads: threads(2) })
    expect(started).to.equal(2)
    expect(await sessions()).to.deep.equal([])
  })
})
