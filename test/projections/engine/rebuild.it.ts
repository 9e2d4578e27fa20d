import { setImmediate as tick } from 'node:timers/promises'
import { expect } from 'chai'
import { letters, skip } from '#platform/log/consumers/letters.ts'
import { applier } from '#projections/engine/apply.ts'
import { compare, isClean } from '#projections/engine/compare.ts'
import type { Progress } from '#projections/engine/progress.ts'
import { startProjector } from '#projections/engine/projector.ts'
import { rebuild } from '#projections/engine/rebuild.ts'
import { redrive } from '#projections/engine/redrive.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { liveOf } from '#projections/engine/table.ts'
import type { View } from '#projections/engine/view.ts'
import { openWaiter } from '#projections/engine/wait.ts'
import { notesOf, notesView } from '#projections/notes.ts'
import { noteCreated, noteEdited, VIDEO } from '#test/kit/histories.ts'
import { type Workshop, workshop } from '../workshop.ts'

/** What a live view consists of in the database, and no leftovers. */
const RELATIONS = ['notes', ...(notesView.indexes ?? []).map((_, i) => `notes_${i + 1}`), 'notes_pkey']
const all = Array.from({ length: notesView.topic.partitions }, (_, partition) => partition)

describe('a rebuild', () => {
  let shop: Workshop
  beforeEach(async () => {
    shop = await workshop()
    await setupViews([notesView], shop)
  })
  afterEach(() => shop.close())

  const notes = (from: number, to: number) =>
    shop.record(...Array.from({ length: to - from + 1 }, (_, i) => noteCreated({ noteId: from + i })))
  const applied = async (events: Awaited<ReturnType<typeof notes>>, view: View = notesView) => {
    const own = applier(shop.db, liveOf(view))
    await own.resume(all)
    await own.handle(events)
    return own
  }
  const tables = async () =>
    (
      await shop.db.query<{ name: string }>(
        'relations',
        `select relname as name from pg_class where relnamespace = 'views'::regnamespace order by 1`,
      )
    ).map((row) => row.name)

  it('shows what it did, and leaves one table with its indexes behind, however often', async () => {
    await applied(await notes(1, 50))
    const before = await tables()
    const seen: Progress[] = []
    for (let i = 0; i < 3; i++) {
      const done = await rebuild(notesView, { ...shop, onProgress: (progress) => seen.push(progress) })
      expect(done).to.deep.include({ events: 50, rows: 50, redriven: 0, parked: 0 })
    }
    expect(await tables()).to.deep.equal(before)
    expect(before).to.deep.equal(RELATIONS)
    expect([...new Set(seen.map((progress) => progress.phase))]).to.deep.equal([
      'read',
      'index',
      'redrive',
      'catch up',
      'swap',
      'done',
    ])
    expect(seen.at(-1)).to.deep.include({ events: 50, total: 50, etaMs: 0 })
  })

  it('goes on while events arrive and readers read, and nobody notices', async () => {
    await notes(1, 2_000)
    const waiter = openWaiter(shop.db, shop.listener, [notesView])
    const projector = startProjector({ ...shop, views: [notesView] })
    let running = true
    let written = 2_000
    let reads = 0
    const writing = (async () => {
      while (running)
        await shop.record(noteCreated({ noteId: ++written }), noteEdited({ noteId: written - 1_000, text: `at ${written}` }))
    })()
    const reading = (async () => {
      for (let least = 0; running; reads++) {
        const { length } = await notesOf(shop.db, 1, VIDEO)
        expect(length).to.be.at.least(least)
        least = length
        await tick()
      }
    })()
    for (let i = 0; i < 3; i++) await rebuild(notesView, shop)
    running = false
    await Promise.all([writing, reading])
    expect(written).to.be.greaterThan(2_000)
    expect(reads).to.be.greaterThan(3)

    const heads = [...(await shop.reader.heads(notesView.topic))].map(([partition, pos]) => ({
      topic: notesView.topic.name,
      partition,
      pos,
    }))
    expect(await waiter.visible(['notes'], heads, 15_000)).to.equal(true)
    await projector.stop()
    waiter.close()
    expect(await notesOf(shop.db, 1, VIDEO)).to.have.length(written)
    expect(isClean(await compare(notesView, shop))).to.equal(true)
  })

  it('fences the owner of the live view, who goes on with the new rows', async () => {
    const own = await applied(await notes(1, 3))
    await rebuild(notesView, shop)
    const more = await notes(4, 5)
    expect(await own.handle(more).catch((error) => error.name)).to.equal('Fenced')
    await own.resume(all)
    await own.handle(more)
    expect(await shop.rows(notesView)).to.have.length(5)
  })

  it('waits for a reader that holds the table, without holding up the others', async () => {
    await applied(await notes(1, 5))
    const phases: string[] = []
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const reader = shop.db.tx(async (tx) => {
      await tx.query('select from views.notes')
      await held
    })
    const rebuilding = rebuild(notesView, { ...shop, onProgress: ({ phase }) => phases.push(phase) })
    while (!phases.includes('swap')) await tick()
    for (let i = 0; i < 20; i++) expect(await notesOf(shop.db, 1, VIDEO)).to.have.length(5)
    expect(phases).to.not.include('done')
    release()
    await reader
    await rebuilding
    expect(isClean(await compare(notesView, shop))).to.equal(true)
  })

  it('is refused while another one of the same view runs', async () => {
    await applied(await notes(1, 5))
    const results = await Promise.allSettled([rebuild(notesView, shop), rebuild(notesView, shop)])
    expect(results.map((result) => result.status).sort()).to.deep.equal(['fulfilled', 'rejected'])
    const refused = results.find((result) => result.status === 'rejected')!
    expect(refused.reason.name).to.equal('RebuildRefused')
    await rebuild(notesView, shop)
  })

  it('stops at an event that it cannot apply, and the live view stays as it was', async () => {
    await applied(await notes(1, 5))
    const stricter: View = {
      ...notesView,
      version: notesView.version + 1,
      evolve: (row, event) => {
        if (event.data.noteId === 3) throw new Error('not this one')
        return notesView.evolve(row, event)
      },
    }
    const error = await rebuild(stricter, shop).catch((caught) => caught)
    expect(error.message).to.equal('view notes cannot apply NoteCreated (note-3@1, position 3): not this one')
    expect(await shop.rows(notesView)).to.have.length(5)
    expect(await tables()).to.deep.equal(RELATIONS)
    await rebuild(notesView, shop)
  })

  it('stops at a row that the database refuses', async () => {
    await shop.record(noteCreated({ text: 'nul\0' }))
    const error = await rebuild(notesView, shop).catch((caught) => caught)
    expect(error.message).to.match(/^view notes makes a row that the database refuses .*line 1.*0x00/)
    expect(await shop.rows(notesView)).to.deep.equal([])
    expect(await tables()).to.deep.equal(RELATIONS)
  })

  it('clears away what a killed one left', async () => {
    await applied(await notes(1, 5))
    await shop.db.query('leftover', 'create table views."notes~next" (something int primary key)')
    await shop.db.query('leftover2', `insert into log.checkpoints values ('notes~next', $1, 0, 99)`, [notesView.topic.name])
    await rebuild(notesView, shop)
    expect(isClean(await compare(notesView, shop))).to.equal(true)
    expect(await tables()).to.deep.equal(RELATIONS)
  })

  describe('with parked streams', () => {
    const touchy: View = {
      ...notesView,
      evolve: (row, event) => {
        if (event.data.text === 'bad') throw new Error('cannot stand it')
        return notesView.evolve(row, event)
      },
    }
    const history = [
      noteCreated(),
      noteCreated({ noteId: 2 }),
      noteEdited({ text: 'bad' }),
      noteEdited({ noteId: 2, text: 'nul\0' }),
    ]

    it('applies what it now can, and keeps the rest parked', async () => {
      await applied(await shop.record(...history), touchy)
      await shop.record(noteEdited({ text: 'good' }), noteEdited({ noteId: 2, generatedByAi: true }))
      const done = await rebuild(notesView, shop)
      expect(done).to.deep.include({ redriven: 2, parked: 2 })
      expect((await shop.rows(notesView)).map((row) => row.text)).to.deep.equal(['good', 'mine'])
      expect((await letters(shop.db)).map(({ consumer, stream, pos, state }) => [consumer, stream, pos, state])).to.deep.equal([
        ['notes', 'note-2', 4, 'failed'],
        ['notes', 'note-2', 6, 'waiting'],
      ])
      expect(isClean(await compare(notesView, shop))).to.equal(true)
    })

    it('leaves out what was skipped: it stays skipped, and the rows are those of live application', async () => {
      const events = await shop.record(noteCreated(), noteEdited({ text: 'bad' }), noteEdited({ generatedByAi: true }))
      await applied(events, touchy)
      expect(await skip(shop.db, notesView.name, 'note-1', 2, 'it was a mistake')).to.equal(true)
      expect(await redrive(shop.db, notesView, 'note-1')).to.deep.include({ parked: 0 })
      const rows = await shop.rows(notesView)
      expect(rows.map((row) => [row.text, row.generated_by_ai])).to.deep.equal([['mine', true]])
      // Now the event could be applied; it was given up all the same.
      expect(await rebuild(notesView, shop)).to.deep.include({ redriven: 0, parked: 0 })
      expect(await shop.rows(notesView)).to.deep.equal(rows)
      expect(isClean(await compare(notesView, shop))).to.equal(true)
      // Once more: the rebuild has not forgotten that it was skipped.
      await rebuild(notesView, shop)
      expect(await shop.rows(notesView)).to.deep.equal(rows)
    })
  })
})

describe('setting views up', () => {
  let shop: Workshop
  before(async () => {
    shop = await workshop()
  })
  after(() => shop.close())

  it('builds what is missing from what the log holds, once, also when several do it', async () => {
    await shop.record(noteCreated(), noteCreated({ noteId: 2 }))
    const built = await Promise.all([1, 2, 3].map(() => setupViews([notesView], shop)))
    expect(built.flat()).to.deep.equal(['notes'])
    expect(await shop.rows(notesView)).to.have.length(2)
  })

  it('rebuilds a view whose version is another one, with its new columns', async () => {
    const shouting: View = {
      ...notesView,
      version: notesView.version + 1,
      columns: { ...notesView.columns, shout: 'text' },
      evolve: (row, event) => ({ ...(notesView.evolve(row, event) as object), shout: 'HEY' }),
    }
    const difference = await compare(shouting, shop)
    expect(difference.columns).to.deep.equal({ added: ['shout'], removed: [] })
    expect(isClean(difference)).to.equal(true)
    expect(await setupViews([shouting], shop)).to.deep.equal(['notes'])
    expect((await shop.rows(shouting)).map((row) => row.shout)).to.deep.equal(['HEY', 'HEY'])
    expect(await setupViews([shouting], shop)).to.deep.equal([])
  })
})
