import { expect } from 'chai'
import type { NewEvent } from '#events/kit/envelope.ts'
import { letters, skip } from '#platform/log/consumers/letters.ts'
import { applier } from '#projections/engine/apply.ts'
import { compare, isClean } from '#projections/engine/compare.ts'
import { redrive } from '#projections/engine/redrive.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { liveOf } from '#projections/engine/table.ts'
import type { View } from '#projections/engine/view.ts'
import { notesView } from '#projections/notes.ts'
import { noteCreated, noteDeleted, noteEdited } from '#test/kit/histories.ts'
import { type Workshop, workshop } from '../workshop.ts'

const all = Array.from({ length: notesView.topic.partitions }, (_, partition) => partition)

/** A view that cannot stand some texts, until somebody mends it. */
const touchy = (...hated: string[]): View => ({
  ...notesView,
  evolve: (row, event) => {
    if (hated.includes(event.data.text)) throw new Error(`cannot stand "${event.data.text}"`)
    return notesView.evolve(row, event)
  },
})

describe('dead letters (P8)', () => {
  let shop: Workshop
  beforeEach(async () => {
    shop = await workshop()
    await setupViews([notesView], shop)
  })
  afterEach(() => shop.close())

  const live = async (view: View, events: NewEvent[], batch = events.length) => {
    const own = applier(shop.db, liveOf(view))
    await own.resume(all)
    const recorded = await shop.record(...events)
    for (let i = 0; i < recorded.length; i += batch) await own.handle(recorded.slice(i, i + batch))
    return own
  }
  const texts = async () => Object.fromEntries((await shop.rows(notesView)).map((row) => [row.note_id, row.text]))
  const parked = async () => (await letters(shop.db)).map(({ stream, pos, state }) => [stream, pos, state])

  const history = [
    noteCreated({ noteId: 1, text: 'a' }),
    noteCreated({ noteId: 2, text: 'x' }),
    noteEdited({ noteId: 1, text: 'bad' }),
    noteEdited({ noteId: 2, text: 'y' }),
    noteEdited({ noteId: 1, text: 'b' }),
    noteCreated({ noteId: 3, text: 'z' }),
    noteEdited({ noteId: 1, text: 'worse' }),
    noteEdited({ noteId: 1, text: 'c' }),
  ]
  const behind = [
    ['note-1', 3, 'failed'],
    ['note-1', 5, 'waiting'],
    ['note-1', 7, 'waiting'],
    ['note-1', 8, 'waiting'],
  ]

  for (const batch of [1, 3, 8])
    it(`hold up only the stream of the event, in batches of ${batch}`, async () => {
      await live(touchy('bad', 'worse'), history, batch)
      expect(await texts()).to.deep.equal({ 1: 'a', 2: 'y', 3: 'z' })
      expect(await parked()).to.deep.equal(behind)
      const [first] = await letters(shop.db, { consumer: 'notes', stream: 'note-1', limit: 1 })
      expect(first!.cause).to.equal('cannot stand "bad"')
      expect(JSON.parse(first!.event.data).text).to.equal('bad')
    })

  it('still hold up their stream for the next owner', async () => {
    await live(touchy('bad'), history.slice(0, 3))
    await live(notesView, [noteEdited({ noteId: 1, text: 'b' })])
    expect((await texts())[1]).to.equal('a')
    expect(await parked()).to.have.length(2)
  })

  it('drain in order once the view is mended', async () => {
    await live(touchy('bad', 'worse'), history)
    expect(await redrive(shop.db, notesView, 'note-1')).to.include({ applied: 4, parked: 0 })
    expect(await texts()).to.deep.equal({ 1: 'c', 2: 'y', 3: 'z' })
    expect(await parked()).to.deep.equal([])
    expect(isClean(await compare(notesView, shop))).to.equal(true)
  })

  it('drain as far as it goes, and keep the rest', async () => {
    await live(touchy('bad', 'worse'), history)
    expect(await redrive(shop.db, touchy('worse'), 'note-1')).to.include({ applied: 2, parked: 2 })
    expect((await texts())[1]).to.equal('b')
    expect(await parked()).to.deep.equal([
      ['note-1', 7, 'failed'],
      ['note-1', 8, 'waiting'],
    ])
  })

  it('are skipped with a reason, and the rest drains', async () => {
    const view = touchy('bad')
    await live(view, history)
    expect(await skip(shop.db, view.name, 'note-1', 5, 'not the failed one')).to.equal(false)
    expect(await skip(shop.db, view.name, 'note-1', 3, 'the text was garbage')).to.equal(true)
    expect(await redrive(shop.db, view, 'note-1')).to.include({ applied: 3, parked: 0 })
    expect((await texts())[1]).to.equal('c')
    const [kept, ...others] = await letters(shop.db)
    expect(kept).to.deep.include({ pos: 3, state: 'skipped', cause: 'the text was garbage' })
    expect(others).to.deep.equal([])
    expect(isClean(await compare(view, shop))).to.equal(true)
  })

  it('make the owner look again when they drain or are skipped', async () => {
    const own = await live(touchy('bad'), history.slice(0, 3))
    await skip(shop.db, notesView.name, 'note-1', 3, 'garbage')
    const [next] = await shop.record(noteEdited({ noteId: 1, text: 'after' }))
    const fenced = await own.handle([next!]).catch((error) => error.name)
    expect(fenced).to.equal('Fenced')
    await own.resume(all)
    await own.handle([next!])
    expect((await texts())[1]).to.equal('after')
  })

  it('isolate what only the database refuses', async () => {
    const events = Array.from({ length: 50 }, (_, i) =>
      noteCreated({ noteId: i + 1, text: i === 20 || i === 33 ? 'nul\0' : `${i}` }),
    )
    await live(notesView, [...events, noteEdited({ noteId: 21, generatedByAi: true }), noteEdited({ noteId: 22, text: 'flows' })])
    expect(await parked()).to.deep.equal([
      ['note-21', 21, 'failed'],
      ['note-34', 34, 'failed'],
      ['note-21', 51, 'waiting'],
    ])
    expect(Object.keys(await texts())).to.have.length(48)
    expect((await texts())[22]).to.equal('flows')
    expect(await redrive(shop.db, notesView, 'note-21')).to.include({ applied: 0, parked: 2 })
    expect(await parked()).to.have.length(3)
    expect(isClean(await compare(notesView, shop))).to.equal(true)
  })

  it('apply the rest when a middle one is refused by the database again', async () => {
    await live(touchy('bad'), [
      noteCreated({ text: 'bad' }),
      noteEdited({ text: 'b' }),
      noteEdited({ text: 'nul\0' }),
      noteEdited({ generatedByAi: true }),
    ])
    expect(await redrive(shop.db, notesView, 'note-1')).to.include({ applied: 2, parked: 2 })
    expect(await texts()).to.deep.equal({ 1: 'b' })
    expect(await parked()).to.deep.equal([
      ['note-1', 3, 'failed'],
      ['note-1', 4, 'waiting'],
    ])
  })

  it('include events of unknown types', async () => {
    await live(notesView, [{ ...noteCreated(), type: 'NoteSung' }, noteDeleted()])
    expect(await parked()).to.deep.equal([
      ['note-1', 1, 'failed'],
      ['note-1', 2, 'waiting'],
    ])
  })
})
